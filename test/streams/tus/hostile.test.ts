import { setTimeout as sleep } from 'node:timers/promises'
import { lastValueFrom, takeWhile, toArray } from 'rxjs'
import { createClient, recommended, type AnyPlugin, type Client } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { redirect } from 'sluice/plugins/redirect'
import { tusUpload, type TusEvent, type TusOptions } from 'sluice/streams/tus'
import { reply, serve, type Reply } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const quick: TusOptions = { backoff: { first: 1, most: 5 }, interval: 0 }
const TEN = new Blob(['0123456789'])
const clientOf = (...plugins: readonly AnyPlugin[]): Client => createClient({ engine: undici(), plugins })
const all = (client: Client, url: string, options: TusOptions = {}, blob: Blob = TEN): Promise<TusEvent[]> =>
  lastValueFrom(tusUpload(client, url, blob, { ...quick, ...options }).pipe(toArray()))

const created = (location: string): Reply => reply.status(201, { headers: { location } })
const has = (offset: number | string, status = 204): Reply =>
  reply.status(status, { headers: { 'upload-offset': offset } })

describe('an upload is given up', () => {
  it('when the server forgets it again and again, however much it takes each time', async () => {
    await using server = await serve({
      'POST /files': created('/u'),
      'PATCH /u': request => (request.header('upload-offset') === '0' ? has(4) : reply.status(404)),
    })
    await using client = clientOf()
    await expect(all(client, `${server.url}files`, { times: 3, chunkSize: 4 })).rejects.toMatchObject({
      code: 'STATUS',
      response: { status: 404 },
    })
    expect(server.requests.filter(({ method }) => method === 'POST')).toHaveLength(4)
  })

  it('when the server has now more and now less', async () => {
    let asked = 0
    await using server = await serve({
      'POST /files': created('/u'),
      'PATCH /u': reply.status(423),
      'HEAD /u': () => has(asked++ % 2 === 0 ? 5 : 0, 200),
    })
    await using client = clientOf()
    await expect(all(client, `${server.url}files`, { times: 3 })).rejects.toMatchObject({
      code: 'STATUS',
      response: { status: 423 },
    })
    expect(asked).toBeLessThan(8)
  })

  it('when the server says that it has more than it was sent', async () => {
    await using server = await serve({ 'POST /files': created('/u'), 'PATCH /u': has(9) })
    await using client = clientOf()
    await expect(all(client, `${server.url}files`, { chunkSize: 4 })).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: `The answer to PATCH ${server.url}u says that the server has 9 bytes, and it was sent no more than 4.`,
    })
  })

  it('when its place names a user', async () => {
    await using server = await serve({
      'POST /files': request => created(`http://me:secret@${request.header('host')}/u`),
    })
    await using client = clientOf()
    await expect(all(client, `${server.url}files`)).rejects.toMatchObject({
      code: 'PROTOCOL',
      message: `The answer to POST ${server.url}files says that the upload is at a url with a user or a password, which are not sent.`,
    })
  })
})

it('tells of no less when its bytes are sent once more to another place', async () => {
  const size = 4 * 1024 * 1024
  await using server = await serve({
    'POST /files': created('/u'),
    'PATCH /u': reply.redirect('/v', { status: 307 }),
    'PATCH /v': has(size),
  })
  await using client = clientOf(redirect())
  const events = await all(client, `${server.url}files`, {}, new Blob([new Uint8Array(size)]))
  const loaded = events.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
  expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
  expect(loaded.length).toBeGreaterThan(1)
  expect(events.at(-1)).toMatchObject({ type: 'done', size })
})

it('goes through the usual plugins', async () => {
  await using server = await serve({ 'POST /files': created('/u'), 'PATCH /u': has(10) })
  await using client = clientOf(...recommended())
  expect((await all(client, `${server.url}files`)).at(-1)).toMatchObject({ type: 'done', size: 10 })
})

it.each(['created', 'waiting', 'resumed', 'restarted'] as const)(
  'ends where it is left as it tells: %s',
  async type => {
    await using server = await serve({
      'POST /files': created('/u'),
      'PATCH /u': request => reply.status(request.header('upload-offset') === '0' ? 503 : 404),
      'HEAD /u': has(5, 200),
    })
    await using client = clientOf()
    const events = await lastValueFrom(
      tusUpload(client, `${server.url}files`, TEN, quick).pipe(
        takeWhile(event => event.type !== type, true),
        toArray(),
      ),
    )
    expect(events.at(-1)).toMatchObject({ type })
    const before = server.requests.length
    await sleep(50)
    expect([server.requests.length, client.inFlight]).toEqual([before, 0])
  },
)
