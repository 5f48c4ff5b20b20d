import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { lastValueFrom, takeWhile, toArray } from 'rxjs'
import { createClient, recommended, type AnyPlugin } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { bodyLimit } from 'sluice/plugins/body-limit'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { progress } from 'sluice/plugins/progress'
import { resume } from 'sluice/plugins/resume'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { download, type DownloadEvent } from 'sluice/streams/download'
import { reply, serve, type Fault, type Reply, type ServedRequest } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { Folder, honest, made, MIB, quick, sha256 } from './serving.ts'

const BYTES = made(8 * MIB)

/** Busy at first, then breaks behind 1 MiB three times, each in another way. */
function troublesome({ index }: ServedRequest): Fault | 'busy' | undefined {
  const at = { at: 'mid-body', bytes: MIB } as const
  const troubles = ['busy', { kind: 'reset', ...at }, 'busy', { kind: 'fin', ...at }, { kind: 'stall', ...at }] as const
  return troubles[index]
}

function busyAndBroken(request: ServedRequest): Reply {
  const trouble = troublesome(request)
  if (trouble === 'busy') return reply.status(503, { headers: { 'retry-after': '0' } })
  return honest(request, BYTES, trouble === undefined ? {} : { fault: trouble })
}

describe('beside other plugins', () => {
  it.each<[string, readonly AnyPlugin[]]>([
    ['recommended()', recommended(timeout({ idle: 300 }))],
    ['recommended(expectSuccess)', recommended(timeout({ idle: 300 }), expectSuccess())],
    ['recommended(resume)', recommended(timeout({ idle: 300 }), resume({ delay: () => 1 }))],
    [
      'recommended(resume, progress, expectSuccess)',
      recommended(timeout({ idle: 300 }), resume({ delay: () => 1 }), progress({ interval: 0 }), expectSuccess()),
    ],
    ['retry', [retry({ delay: () => 1 }), timeout({ idle: 300 })]],
    ['a limit of live bodies that lets it through', recommended(timeout({ idle: 300 }), bodyLimit({ live: 8 * MIB }))],
  ])('%s: it is whole, in one range and in four', async (_, plugins) => {
    for (const ranges of [1, 4]) {
      using folder = new Folder()
      await using server = await serve({ '/file': busyAndBroken })
      await using client = createClient({ engine: undici(), plugins })
      const events = await folder.fill(client, `${server.url}file`, { ranges })
      expect(events.at(-1)).toMatchObject({ type: 'done', sha256: sha256(BYTES) })
      expect(events.filter(({ type }) => type === 'restarted')).toEqual([])
      const loaded = events.flatMap(event => (event.type === 'progress' ? [event.loaded] : []))
      expect(loaded).toEqual(loaded.toSorted((a, b) => a - b))
      expect(sha256(readFileSync(folder.file))).toBe(sha256(BYTES))
      expect(folder.names).toEqual(['big.iso'])
    }
  })

  it.each<[string, Reply]>([
    ['announced', { body: BYTES }],
    ['as it comes', reply.chunks([BYTES.subarray(0, 5 * MIB), BYTES.subarray(5 * MIB)])],
  ])('a limit of live bodies ends it, %s, and nothing is left', async (_, answer) => {
    using folder = new Folder()
    await using server = await serve({ '/file': answer })
    await using client = createClient({ engine: undici(), plugins: recommended(bodyLimit({ live: MIB })) })
    await expect(folder.fill(client, `${server.url}file`)).rejects.toMatchObject({ code: 'TOO_LARGE' })
    expect([folder.names, server.requests.length]).toEqual([[], 1])
  })
})

describe.each([1, 4])('in %i ranges', ranges => {
  it.each<DownloadEvent['type']>(['progress', 'waiting', 'resumed', 'restarted', 'done'])(
    'it ends where it is left as it tells: %s',
    async type => {
      using folder = new Folder()
      await using server = await serve({
        '/file': request => {
          const etag = request.index < 7 ? '"v1"' : '"v2"'
          const fault: Fault = { kind: 'reset', at: 'mid-body', bytes: MIB }
          return honest(request, BYTES, { headers: { etag }, ...(request.index < 7 ? { fault } : {}) })
        },
      })
      await using client = createClient({ engine: undici(), plugins: [] })
      const events = await lastValueFrom(
        download(client, `${server.url}file`, folder.file, { ...quick, ranges }).pipe(
          takeWhile(event => event.type !== type, true),
          toArray(),
        ),
      )
      expect(events.at(-1)).toMatchObject({ type })
      // What was sent by then arrives.
      await sleep(50)
      const before = server.requests.length
      await sleep(100)
      expect([server.requests.length, client.inFlight]).toEqual([before, 0])
      expect(folder.names).toEqual(type === 'done' ? ['big.iso'] : [])
    },
  )

  it.each<DownloadEvent['type']>(['progress', 'waiting', 'resumed', 'restarted'])(
    'it fails, and leaves nothing, when the client is ended as it tells: %s',
    async type => {
      for (const how of ['cancel', 'close'] as const) {
        using folder = new Folder()
        await using server = await serve({
          '/file': request => {
            const etag = request.index < 7 ? '"v1"' : `"v${request.index}"`
            const fault: Fault = { kind: 'reset', at: 'mid-body', bytes: MIB }
            return honest(request, BYTES, { headers: { etag }, fault })
          },
        })
        const client = createClient({ engine: undici(), plugins: [] })
        let closed: Promise<unknown> | undefined
        const end = new Promise((resolve, reject) => {
          download(client, `${server.url}file`, folder.file, { ...quick, ranges, times: 20 }).subscribe({
            next: event => {
              if (event.type !== type) return
              if (how === 'cancel') client.cancel()
              closed ??= client.close()
            },
            error: reject,
            complete: () => {
              resolve('whole')
            },
          })
        })
        const outcome = await end.catch((error: unknown) => error)
        expect(outcome).toMatchObject({ code: expect.stringMatching(/CANCELLED|CLOSED|RESET|BODY/) as string })
        await closed
        expect([folder.names, client.inFlight]).toEqual([[], 0])
      }
    },
  )
})
