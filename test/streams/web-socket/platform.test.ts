/** WebSockets of the platform, by the engine fetch: what they can do beside those of ours. */
import { once } from 'node:events'
import { EMPTY, filter, firstValueFrom, NEVER, timer, toArray, type Observable } from 'rxjs'
import { createClient, isHttpError, recommended, type Client } from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { webSocket } from 'sluice/streams/web-socket'
import { reply, serve } from 'sluice/testing'
import { expect, it, vi } from 'vitest'
import type { WebSocket as Peer } from 'ws'
import { failure } from '../../src/thrown.ts'
import { serveWs } from './serve-ws.ts'

const open = (): Client => createClient({ engine: fetch(), plugins: recommended() })

it('talk both ways and are closed by either side', async () => {
  await using server = await serveWs()
  const client = open()
  const socket = webSocket(client, server.url)
  const sent = [{ a: 1 }, 'x'.repeat(300_000), null]
  const heard: unknown[] = []
  const done = new Promise<void>((resolve, reject) => {
    socket.subscribe({
      next(message) {
        heard.push(message)
        if (heard.length === sent.length) socket.complete()
      },
      error: reject,
      complete: resolve,
    })
  })
  for (const message of sent) socket.next(message)
  await done
  expect(heard).toEqual(sent)
  expect(socket.lastClose).toEqual({ code: 1000, reason: '' })
  const bytes = webSocket(client, server.url, { codec: 'binary' })
  const first = firstValueFrom(bytes)
  bytes.next(new Uint8Array([1, 2, 3]))
  expect(new Uint8Array(await first)).toEqual(new Uint8Array([1, 2, 3]))
  await client.close()
})

it('fail with what the peer closed them with, and come back if so wished', async () => {
  let nth = 0
  await using server = await serveWs(0, (peer: Peer) => {
    peer.send(String(++nth))
    if (nth === 1) peer.close(1013, 'full')
    else if (nth === 2) peer.terminate()
  })
  const client = open()
  expect(await failure(webSocket(client, server.url, { codec: 'text' }).pipe(toArray()))).toMatchObject({
    code: 'RESET',
    close: { code: 1013, reason: 'full' },
  })
  nth = 0
  const heard = webSocket(client, server.url, { codec: 'text', reconnect: { first: 5 } })
  expect(await firstValueFrom(heard.pipe(filter(text => text === '3')))).toBe('3')
  await client.close()
})

it('fail when the handshake is refused, without a word from the platform of why', async () => {
  await using server = await serve({ '/': reply.status(401) })
  const error = await failure(webSocket(open(), server.url))
  expect(isHttpError(error) && error.code).not.toBe('STATUS')
  expect(error.message).toMatch(/refused the WebSocket/)
})

it('have no heartbeat, and say so to who asks for one', async () => {
  await using server = await serveWs()
  expect(await failure(webSocket(open(), server.url, { heartbeat: { every: 10 } }))).toMatchObject({
    code: 'UNSUPPORTED',
    phase: 'config',
  })
})

it('are left at once, which the server sees', async () => {
  await using server = await serveWs(0, peer => peer.send('"hello"'))
  const client = open()
  for (const project of [undefined, () => NEVER]) {
    const subscription = webSocket(client, server.url, project === undefined ? {} : { project }).subscribe()
    await vi.waitFor(() => {
      expect(server.peers.size).toBe(1)
    })
    const [peer] = server.peers
    const closed = once(peer as Peer, 'close')
    const from = performance.now()
    subscription.unsubscribe()
    await closed
    expect(performance.now() - from).toBeLessThan(50)
  }
  await client.close()
})

it('cannot be held back: what nobody reads has a bound', async () => {
  await using server = await serveWs(0, peer => {
    const message = new Uint8Array(512 * 1024)
    for (let sent = 0; sent < 40; sent++) peer.send(message)
  })
  const project = (_: unknown, index: number): Observable<unknown> => (index === 0 ? timer(500) : EMPTY)
  const error = await failure(webSocket(open(), server.url, { codec: 'binary', project }).pipe(toArray()))
  expect(error.code).toBe('TOO_LARGE')
})

it('say goodbye when their client is closed', async () => {
  const codes: number[] = []
  await using server = await serveWs(0, peer => peer.on('close', code => codes.push(code)))
  const client = open()
  const end = new Promise<string>(resolve => {
    webSocket(client, server.url, { reconnect: true }).subscribe({
      error: (error: unknown) => resolve(String(error)),
      complete: () => resolve('complete'),
    })
  })
  await vi.waitFor(() => {
    expect(server.peers.size).toBe(1)
  })
  await client.close()
  expect(await end).toBe('complete')
  await vi.waitFor(() => {
    // The platform lets nobody but itself say 1001.
    expect(codes).toEqual([1005])
  })
})
