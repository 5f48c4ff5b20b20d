import zlib from 'node:zlib'
import { firstValueFrom, Subject, lastValueFrom, toArray } from 'rxjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createClient, recommended, type Body } from 'sluice'
import { encode, type EncodeOptions } from 'sluice/plugins/encode'
import { retry } from 'sluice/plugins/retry'
import { reply, serve, type Reply, type Routes, type ServedRequest } from 'sluice/testing'
import { certificates } from '../../support/certificates.ts'
import { CONTENDERS, type Contender } from '../../support/fault-contenders.ts'
import { noise, pieces, sample } from '../decode/encoded.ts'
import { decoded } from './decoded.ts'
import { opened, yielded } from './sources.ts'

const { ca, good } = certificates()
const LARGE = sample(300_000)
const SMALL = sample(3000)
const CODINGS = ['gzip', 'deflate', 'br', 'zstd'] as const

const releases: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const release of releases.splice(0)) await release()
})

async function open(contender: Contender, routes: Routes, options: Partial<EncodeOptions> = {}) {
  const { protocol, make } = contender
  const secure = protocol === 'h2'
  const server = await serve(routes, { protocol, ...(secure ? { tls: good } : {}) })
  const client = createClient({
    engine: make(secure ? { ca } : undefined),
    baseUrl: server.url,
    plugins: recommended(encode(options), retry({ times: 0 })),
  })
  releases.push(async () => {
    client.cancel()
    await client.join()
    await server.close()
  })
  return { server, client }
}

/** Says what it understood: the framing, and the body without its coding as it came back. */
async function echoed(request: ServedRequest): Promise<Reply> {
  const bytes = await request.bytes()
  const length = request.header('content-length')
  const coding = request.header('content-encoding')
  return {
    headers: { 'x-coding': coding, 'x-length': length === '' ? 'none' : String(Number(length) === bytes.length) },
    body: decoded(coding === '' ? undefined : coding, bytes),
  }
}

describe.each(CONTENDERS)('over $name', contender => {
  it.each(CODINGS)('a server gets every kind of body with %s, and what it decodes is what was given', async coding => {
    const { client } = await open(contender, { 'POST /': echoed }, { coding })
    const post = async (body: Body) => {
      const response = await firstValueFrom(client.post('', body))
      return [response.headers.get('x-coding'), response.headers.get('x-length'), response.bytes] as const
    }
    const same = (bytes: Uint8Array, other: Uint8Array) => Buffer.compare(bytes, other) === 0
    for (const [body, given, length] of [
      [SMALL, SMALL, 'true'],
      [LARGE, LARGE, 'true'],
      [new Blob([LARGE]), LARGE, 'none'],
      [new Blob([LARGE]).stream(), LARGE, 'none'],
      [() => yielded(...pieces(LARGE, 10_000)), LARGE, 'none'],
    ] as const) {
      const [seen, counted, bytes] = await post(body)
      expect([seen, counted]).toEqual([coding, length])
      expect(same(bytes, given)).toBe(true)
    }
  })

  it('a server that refuses the coding gets the body in another way, over and over', async () => {
    const routes: Routes = {
      'POST /': async request => (request.header('content-encoding') === 'br' ? echoed(request) : refusal('br')),
    }
    const { server, client } = await open(contender, routes)
    for (const body of [SMALL, LARGE, () => yielded(...pieces(LARGE, 10_000)), new Blob([LARGE])]) {
      const response = await firstValueFrom(client.post('', body))
      expect([response.status, response.headers.get('x-coding')]).toEqual([200, 'br'])
    }
    expect(server.requests.map(({ headers }) => headers['content-encoding'])).toEqual(['gzip', 'br', 'br', 'br', 'br'])
  })

  it('a server that refuses in the middle of an upload gets the whole body in another way', async () => {
    let refused = 0
    const routes: Routes = {
      'POST /': async request => {
        if (request.header('content-encoding') === '') return echoed(request)
        refused++
        return { ...refusal(''), early: true }
      },
    }
    const { client } = await open(contender, routes)
    let [opens, returns] = [0, 0]
    const body = () =>
      opened(
        pieces(noise(2_000_000), 20_000),
        () => opens++,
        () => returns++,
      )
    const response = await firstValueFrom(client.post('', body))
    expect([response.status, response.bytes.length, refused]).toEqual([200, 2_000_000, 1])
    expect([opens, returns <= 1]).toEqual([2, true])
  })

  it('a source waits for a server that does not read', async () => {
    const { server, client } = await open(contender, {
      'POST /': { read: 'none', fault: { kind: 'stall', at: 'before-head' } },
    })
    let given = 0
    const chunks = (function* () {
      for (; given < 256 * 1024 * 1024; given += 65_536) yield noise(65_536)
    })()
    let returns = 0
    const subscription = client
      .post(
        '',
        opened(chunks, undefined, () => returns++),
      )
      .subscribe()
    await server.received(1)
    // What was pulled stays the same from some turn of the loop on.
    let last = -1
    for (let still = 0; still < 200;) {
      await new Promise(resolve => setImmediate(resolve))
      still = given === last ? still + 1 : 0
      last = given
    }
    expect(given).toBeLessThan(32 * 1024 * 1024)
    subscription.unsubscribe()
    await vi.waitFor(() => {
      expect(returns).toBe(1)
    })
    server.resume()
    await server.until(({ requests }) => requests[0]?.brokenAt !== undefined || server.open === 0)
  })

  it('what a quiet source has said arrives while it is quiet', async () => {
    const parts: string[] = []
    const first = Promise.withResolvers<undefined>()
    const routes: Routes = {
      'POST /': async request => {
        let all = new Uint8Array(0)
        for await (const bytes of request.body) {
          all = new Uint8Array(Buffer.concat([all, bytes]))
          parts.push(partial(all))
          if (parts.at(-1) === 'first') first.resolve(undefined)
        }
        return reply.text(Buffer.from(decoded('gzip', all)).toString())
      },
    }
    const { client } = await open(contender, routes)
    const source = new Subject<string>()
    const answer = lastValueFrom(client.post('', source).pipe(toArray()))
    await vi.waitFor(() => {
      expect(source.observed).toBe(true)
    })
    source.next('first')
    await first.promise
    source.next('second')
    source.complete()
    expect((await answer)[0]?.text()).toBe('firstsecond')
  })
})

function refusal(says: string): Reply {
  return { status: 415, headers: { 'accept-encoding': says }, body: 'no' }
}

/** What of a body that is still coming can be decoded. */
function partial(bytes: Uint8Array): string {
  return zlib.gunzipSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString()
}
