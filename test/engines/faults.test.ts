import { createHash, X509Certificate } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createClient, isHttpError, type Capabilities, type HttpError } from 'sluice'
import { timeout, type TimeoutOptions } from 'sluice/plugins/timeout'
import { reply, serve, type Break, type FaultPlace, type Route, type ServeOptions } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import type { TlsOptions } from '../../engines/connector/connector.ts'
import { blackHole } from '../support/black-hole.ts'
import { certificates, type Identity } from '../support/certificates.ts'
import { CONTENDERS, type Contender } from '../support/fault-contenders.ts'

const { ca, otherCa, good, expired, notYetValid, wrongHost, selfSigned, untrusted } = certificates()

/** What one engine is asked, and what must come of it. */
interface Fault {
  readonly what: string
  /** `CODE phase`, or `200` for what is no fault. */
  readonly is: string
  /** Resolves with what came of it. */
  readonly meet: (world: World) => Promise<string>
  /** Says why the fault cannot be had with an engine, if so. */
  readonly unless?: (contender: Contender, capabilities: Capabilities) => boolean
}

/** One engine and the servers it is tried against. */
interface World {
  readonly contender: Contender
  /** Sends a POST, which nobody sends again, to a url. */
  readonly send: (url: string, how?: { tls?: TlsOptions; limits?: Partial<TimeoutOptions> }) => Promise<string>
  /** A url with the scheme on which the engine speaks its protocol. */
  readonly urlOf: (url: string) => string
  /** The same, to a server that answers so, in the protocol of the engine. */
  readonly answered: (route: Route, limits?: Partial<TimeoutOptions>) => Promise<string>
  /** The same, to a server that is so. */
  readonly secured: (identity: Identity, tls?: TlsOptions, options?: ServeOptions['tls']) => Promise<string>
}

async function outcome(contender: Contender, url: string, how: Parameters<World['send']>[1] = {}): Promise<string> {
  const { tls, limits } = how
  const client = createClient({ engine: contender.make(tls), plugins: limits ? [timeout(limits)] : [] })
  try {
    const status = await new Promise<number>((resolve, reject) => {
      client.post(url, 'x').subscribe({ next: response => resolve(response.status), error: reject })
    })
    return String(status)
  } catch (error) {
    if (!isHttpError(error)) throw error
    checkSentence(error)
    return `${error.code} ${String(error.phase)}`
  } finally {
    client.cancel()
    await client.join()
  }
}

function checkSentence({ message, request }: HttpError): void {
  expect(message).toMatch(/^POST https?:\/\/\S+ .+\.$/)
  expect(request?.method).toBe('POST')
}

function worldOf(contender: Contender): World {
  const { protocol } = contender
  const secure = protocol === 'h2' ? { tls: good } : {}
  const trust = protocol === 'h2' ? { tls: { ca } } : {}
  return {
    contender,
    send: (url, how) => outcome(contender, url, how),
    urlOf: url => (protocol === 'h2' ? url.replace('http:', 'https:') : url),
    async answered(route, limits) {
      await using server = await serve({ '/': route }, { protocol, ...secure })
      return await outcome(contender, server.url, { ...trust, ...(limits && { limits }) })
    },
    async secured(identity, tls = { ca }, options = {}) {
      await using server = await serve({ '/': reply.text('x') }, { protocol, tls: { ...identity, ...options } })
      return await outcome(contender, `https://localhost:${server.port}/`, { tls })
    },
  }
}

const cut = (kind: 'fin' | 'reset', at: FaultPlace, bytes?: number): { fault: Break } => ({
  fault: { kind, at, scope: 'connection', ...(bytes === undefined ? {} : { bytes }) },
})
const stall = (at: FaultPlace): { fault: Break } => ({ fault: { kind: 'stall', at } })
const long = { body: 'x'.repeat(1000) }
const pinOf = ({ cert }: { readonly cert: string }): string =>
  `sha256//${createHash('sha256')
    .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`

type Unless = NonNullable<Fault['unless']>
/** Passes bytes on, and no end of a server: whoever relies on being hung up on waits for ever. */
async function silencer(port: number): Promise<{ readonly port: number } & AsyncDisposable> {
  const open = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect(port, '127.0.0.1')
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => open.delete(socket))
    }
    client.on('data', (bytes: Buffer) => upstream.write(bytes))
    upstream.on('data', (bytes: Buffer) => client.write(bytes))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const withoutTls = ({ protocol }: Contender): boolean => protocol === 'h2c'
const notHttp1: Unless = ({ protocol }) => protocol !== 'http/1.1'
const notHttp2: Unless = ({ protocol }) => protocol === 'http/1.1'
const without = (limit: keyof TimeoutOptions): Unless => {
  return (_, { limits }) => !(limits as readonly string[]).includes(limit)
}

const noConnection: readonly Fault[] = [
  {
    what: 'a port on which nobody listens',
    is: 'CONNECT connect',
    async meet({ send, urlOf }) {
      const server = await serve({})
      await server.close()
      return send(urlOf(server.url))
    },
  },
  {
    what: 'a host that does not exist',
    is: 'DNS dns',
    meet: ({ send, urlOf }) => send(urlOf('http://nowhere.invalid/')),
  },
  {
    what: 'a host that takes no connection',
    is: 'TIMEOUT connect',
    async meet({ send, urlOf }) {
      await using hole = await blackHole()
      return await send(urlOf(hole.url), { limits: { connect: 100 } })
    },
    unless: without('connect'),
  },
  {
    what: 'a TLS handshake that stands still',
    is: 'TIMEOUT tls',
    async meet({ send }) {
      await using server = await serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
      return await send(server.url.replace('http:', 'https:'), { limits: { tls: 100 } })
    },
    unless: (contender, capabilities) => withoutTls(contender) || without('tls')(contender, capabilities),
  },
]

const noSecureConnection: readonly Fault[] = [
  ...(
    [
      ['that has expired', expired],
      ['that is not valid yet', notYetValid],
      ['for another host', wrongHost],
      ['signed by itself', selfSigned],
      ['of an unknown authority', untrusted],
    ] as const
  ).map(([which, identity]): Fault => ({
    what: `a certificate ${which}`,
    is: 'TLS tls',
    meet: ({ secured }) => secured(identity),
    unless: withoutTls,
  })),
  {
    what: 'a certificate whose key is not pinned',
    is: 'TLS tls',
    meet: ({ secured }) => secured(good, { ca, pins: pinOf(untrusted) }),
    unless: contender => contender.lacks?.includes('pins') === true || contender.protocol === 'h2c',
  },
  {
    what: 'a certificate whose key is pinned',
    is: '200',
    meet: ({ secured }) => secured(good, { ca, pins: pinOf(good) }),
    unless: contender => contender.lacks?.includes('pins') === true || contender.protocol === 'h2c',
  },
  ...(['TLSv1.2', 'TLSv1.3'] as const).map((maxVersion): Fault => ({
    what: `a server that wants a client certificate (${maxVersion})`,
    is: 'TLS tls',
    meet: ({ secured }) =>
      secured(good, { ca }, { ca: otherCa, requestCert: true, rejectUnauthorized: true, maxVersion }),
    // With TLS 1.3 the server refuses when the handshake is over for the client; the platform's fetch does not say why.
    unless: contender =>
      withoutTls(contender) || (maxVersion === 'TLSv1.3' && contender.lacks?.includes('cert') === true),
  })),
  {
    what: 'a server that wants a client certificate, and is silent when it has said so',
    is: 'TLS tls',
    async meet({ contender, send }) {
      const { protocol } = contender
      const tls = { ...good, ca: otherCa, requestCert: true, rejectUnauthorized: true }
      await using server = await serve({}, { protocol, tls })
      await using between = await silencer(server.port)
      return await send(`https://localhost:${between.port}/`, { tls: { ca }, limits: { headers: 2000 } })
    },
    unless: contender => withoutTls(contender) || contender.lacks?.includes('cert') === true,
  },
  {
    what: 'a server that speaks only an old TLS',
    is: 'TLS tls',
    meet: ({ secured }) => secured(good, { ca, minVersion: 'TLSv1.3' }, { maxVersion: 'TLSv1.2' }),
    unless: withoutTls,
  },
  {
    what: 'a server that speaks no TLS',
    is: 'TLS tls',
    async meet({ send }) {
      const plain = createServer(socket => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
      await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
      try {
        return await send(`https://127.0.0.1:${(plain.address() as AddressInfo).port}/`)
      } finally {
        plain.close()
      }
    },
    unless: withoutTls,
  },
]

const noAnswer: readonly Fault[] = [
  { what: 'no answer', is: 'TIMEOUT headers', meet: ({ answered }) => answered(stall('before-head'), { headers: 80 }) },
  {
    what: 'half a head',
    is: 'TIMEOUT headers',
    meet: ({ answered }) => answered({ ...long, ...stall('mid-head') }, { headers: 80 }),
  },
  {
    what: 'half a body',
    is: 'TIMEOUT idle',
    meet: ({ answered }) => answered({ ...long, ...stall('mid-body') }, { idle: 80 }),
  },
  { what: 'an end before the head', is: 'RESET headers', meet: ({ answered }) => answered(cut('fin', 'before-head')) },
  {
    what: 'a reset before the head',
    is: 'RESET headers',
    meet: ({ answered }) => answered(cut('reset', 'before-head')),
  },
  {
    what: 'an end in the head',
    is: 'RESET headers',
    meet: ({ answered }) => answered({ ...long, ...cut('fin', 'mid-head') }),
  },
  {
    what: 'a reset in the head',
    is: 'RESET headers',
    meet: ({ answered }) => answered({ ...long, ...cut('reset', 'mid-head') }),
  },
  {
    what: 'an end in the body',
    is: 'BODY body',
    meet: ({ answered }) => answered({ ...long, ...cut('fin', 'mid-body') }),
  },
  {
    what: 'a reset in the body',
    is: 'BODY body',
    meet: ({ answered }) => answered({ ...long, ...cut('reset', 'mid-body') }),
  },
  {
    what: 'an end behind the last byte',
    is: '200',
    meet: ({ answered }) => answered({ ...long, ...cut('fin', 'after-body') }),
  },
  {
    what: 'a reset behind the last byte',
    is: '200',
    meet: ({ answered }) => answered({ ...long, ...cut('reset', 'after-body') }),
  },
]

const wrongAnswer: readonly Fault[] = [
  {
    what: 'a body shorter than announced',
    is: 'BODY body',
    meet: ({ answered }) => answered({ body: 'abc', headers: { 'content-length': '10' }, close: true }),
  },
  {
    what: 'a chunked body that breaks off',
    is: 'BODY body',
    meet: ({ answered }) => answered(reply.bytes(1000, { framing: 'chunked', ...cut('fin', 'mid-body') })),
  },
  {
    what: 'a chunk whose size is none',
    is: 'PROTOCOL body',
    meet: ({ answered }) =>
      answered({ raw: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n' }),
    unless: notHttp1,
  },
  {
    what: 'a head that is too large',
    is: 'TOO_LARGE headers',
    meet: ({ answered }) => answered({ headers: { x: Array<string>(25).fill('y'.repeat(4000)) } }),
  },
  {
    what: 'something that is no HTTP',
    is: 'PROTOCOL headers',
    meet: ({ answered }) => answered({ raw: 'SSH-2.0-OpenSSH_9.9\r\n', close: true }),
  },
  { what: '101 that nobody asked for', is: 'PROTOCOL headers', meet: ({ answered }) => answered({ status: 101 }) },
  {
    what: 'a stream that is always refused',
    is: 'RESET headers',
    meet: ({ answered }) => answered({ fault: { kind: 'reset', at: 'before-head', code: 7 } }),
    unless: notHttp2,
  },
  ...[2, 8].map((code): Fault => ({
    what: `a stream reset in the body with ${code}`,
    is: 'BODY body',
    meet: ({ answered }) =>
      answered(reply.bytes(1000, { framing: 'chunked', fault: { kind: 'reset', at: 'mid-body', code } })),
    unless: notHttp2,
  })),
  {
    what: 'a server that never says its settings',
    is: 'TIMEOUT connect',
    async meet({ contender, send }) {
      const { protocol } = contender
      const tls = protocol === 'h2' ? { tls: good } : {}
      await using server = await serve({}, { protocol, ...tls, http2: { settings: false } })
      return await send(server.url, { tls: { ca }, limits: { connect: 150 } })
    },
    unless: notHttp2,
  },
]

it.each(CONTENDERS)('$name speaks the protocol it is tried with', async ({ protocol, make }) => {
  await using server = await serve({ '/': reply.text('x') }, { protocol, ...(protocol === 'h2' ? { tls: good } : {}) })
  expect(await outcome({ name: '', protocol, make }, server.url, { tls: { ca } })).toBe('200')
  expect(server.requests[0]?.httpVersion).toBe(protocol === 'http/1.1' ? '1.1' : '2')
})

describe.each([
  ['no connection', noConnection],
  ['no secure connection', noSecureConnection],
  ['no answer, or half of one', noAnswer],
  ['a wrong answer', wrongAnswer],
])('%s', (_, faults) => {
  describe.each(faults)('$what is $is', ({ is, meet, unless }) => {
    const able = CONTENDERS.filter(contender => unless?.(contender, capabilitiesOf(contender)) !== true)
    it.each(able)('with $name', async contender => {
      expect(await meet(worldOf(contender))).toBe(is)
    })
  })
})

function capabilitiesOf({ make }: Contender): Capabilities {
  const engine = make().create()
  void engine.destroy()
  return engine.capabilities
}
