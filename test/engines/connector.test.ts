import type { LookupAddress } from 'node:dns'
import { createServer, type AddressInfo, type LookupFunction } from 'node:net'
import { isHttpError } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { Connector } from '../../engines/connector/connector.ts'
import type { Connecting, ConnectionFacts } from '../../engines/connector/connecting.ts'
import type { ConnectFailure } from '../../engines/connector/failure.ts'
import type { ConnectOptions } from '../../engines/connector/options.ts'
import { targetOf } from '../../engines/connector/target.ts'
import { blackHole } from '../support/black-hole.ts'
import { certificates } from '../support/certificates.ts'
import { watchLeaks } from '../support/leaks.ts'
import { silentServer } from '../support/silent-server.ts'

const DEFAULTS: ConnectOptions = {
  connectAttempts: 1,
  tls: {},
  lookup: undefined,
  family: undefined,
  localAddress: undefined,
  socketPath: undefined,
}

const cleanUp: (() => unknown)[] = []

afterEach(() => {
  for (const clean of cleanUp.splice(0)) clean()
})

interface Outcome {
  readonly phases: string[]
  readonly facts: ConnectionFacts
  readonly close: () => void
}

/** Connects and tells how it went; a socket is closed after the test. */
function connect(connector: Connector, origin: string, made?: (connecting: Connecting) => void): Promise<Outcome> {
  const phases: string[] = []
  return new Promise((resolve, reject) => {
    const connecting = connector.prepare(targetOf(origin), {
      phase: phase => {
        phases.push(phase)
      },
      connected: (socket, facts) => {
        const close = (): void => {
          socket.destroy()
        }
        cleanUp.push(close)
        // Sessions of TLS 1.3 come with the first bytes that are read.
        socket.resume()
        resolve({ phases, facts, close })
      },
      failed: failure => {
        reject(Object.assign(new Error(failure.why), { failure, phases }))
      },
    })
    cleanUp.push(() => {
      connecting.destroy()
    })
    connecting.start()
    made?.(connecting)
  })
}

const open = (options: Partial<ConnectOptions> = {}): Connector =>
  new Connector({ ...DEFAULTS, ...options }, ['http/1.1'])

const finding =
  (...addresses: string[]): LookupFunction =>
  (_host, _options, done) => {
    done(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('a target', () => {
  it('is an origin taken apart', () => {
    expect(targetOf('https://api.test')).toMatchObject({ secure: true, host: 'api.test', port: 443 })
    expect(targetOf('http://[::1]:8080')).toMatchObject({ secure: false, host: '::1', port: 8080 })
  })
})

describe('connecting', () => {
  it('goes through look-up, TCP and TLS, and tells how long each took', async () => {
    const { ca, good } = certificates()
    await using server = await serve({ '/*': reply.text('x') }, { tls: good })
    const { phases, facts } = await connect(open({ tls: { ca } }), `https://localhost:${server.port}`)
    expect(phases).toEqual(['dns', 'connect', 'tls'])
    expect(facts).toMatchObject({
      protocol: 'http/1.1',
      remotePort: server.port,
      tls: { version: 'TLSv1.3', resumed: false },
    })
    expect(facts.tls?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    for (const took of [facts.took.dns, facts.took.tcp, facts.took.tls]) expect(took).toBeGreaterThan(0)
  })

  it('looks nothing up for an address', async () => {
    await using server = await serve({ '/*': reply.text('x') }, { host: '::1' })
    const { phases, facts } = await connect(
      open({
        lookup: () => {
          throw new Error('looked up')
        },
      }),
      server.url.slice(0, -1),
    )
    expect(phases).toEqual(['connect'])
    expect(facts).toMatchObject({ remoteAddress: '::1', tls: undefined })
    expect(facts.took.dns).toBeUndefined()
  })

  it.each([
    ['signal', AbortSignal.abort()],
    ['fd', 77],
    ['handle', {}],
    ['onread', { buffer: Buffer.alloc(1), callback: () => false }],
    ['objectMode', true],
    ['blockList', { check: () => true }],
  ])('does not take %s from a polluted Object.prototype', async (name, value) => {
    await using server = await serve({})
    Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true })
    let connecting: Promise<Outcome>
    try {
      connecting = connect(new Connector(DEFAULTS, []), server.url.slice(0, -1))
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
    }
    expect((await connecting).facts.remotePort).toBe(server.port)
  })

  it('tries the next address at once when one refuses', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const start = performance.now()
    const lookup = finding('127.0.0.3', '127.0.0.2', '127.0.0.1')
    const { facts } = await connect(open({ lookup }), `http://api.test:${server.port}`)
    expect(facts.remoteAddress).toBe('127.0.0.1')
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('tries the next address beside one that does not answer, and closes what comes too late', async () => {
    await using hole = await blackHole()
    using leaks = watchLeaks()
    const server = createServer().listen(hole.port, '127.0.0.2')
    cleanUp.push(() => server.close())
    await new Promise(resolve => server.once('listening', resolve))
    server.on('connection', socket => socket.on('error', () => undefined))
    const start = performance.now()
    const { facts, close } = await connect(
      open({ lookup: finding('127.0.0.1', '127.0.0.2') }),
      `http://api.test:${hole.port}`,
    )
    const took = performance.now() - start
    expect(facts.remoteAddress).toBe('127.0.0.2')
    expect(took).toBeGreaterThan(240)
    expect(took).toBeLessThan(2000)
    for (let turns = 0; turns < 5 && leaks.clientSockets().length > 1; turns++) await turn()
    expect(leaks.clientSockets()).toHaveLength(1)
    close()
  })

  it('alternates between the families of addresses', async () => {
    const server = await serve({})
    await server.close()
    const lookup = finding('::1', '::1', '127.0.0.1', '127.0.0.2')
    const failed = connect(open({ lookup }), `http://api.test:${server.port}`)
    const error = (await failed.catch((reason: unknown) => reason)) as Error
    expect(error.message.match(/127\.0\.0\.\d|\[::1\]/g)).toEqual(['[::1]', '127.0.0.1', '[::1]', '127.0.0.2'])
  })

  it('uses one family when told to, and asks for no other', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const asked: unknown[] = []
    const lookup: LookupFunction = (_host, options, done) => {
      asked.push(options)
      const found: LookupAddress[] = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ]
      done(null, found)
    }
    const { facts } = await connect(open({ lookup, family: 4 }), `http://api.test:${server.port}`)
    expect(facts.remoteAddress).toBe('127.0.0.1')
    expect(asked).toEqual([{ all: true, family: 4 }])
  })

  it('goes out from the local address', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const options = { localAddress: '127.0.0.9', lookup: finding('::1', '127.0.0.1') }
    const { facts } = await connect(open(options), `http://api.test:${server.port}`)
    expect(facts).toMatchObject({ localAddress: '127.0.0.9', remoteAddress: '127.0.0.1' })
    await expect(
      connect(open({ ...options, lookup: finding('::1') }), `http://api.test:${server.port}`),
    ).rejects.toThrow('api.test has no address that can be reached from 127.0.0.9')
  })

  it('takes the answers of a look-up in every form', async () => {
    await using server = await serve({ '/*': reply.text('x') })
    const forms: LookupFunction[] = [
      (_host, _options, done) => {
        done(null, '127.0.0.1', 4)
      },
      (_host, _options, done) => {
        setTimeout(done, 1, null, [{ address: '127.0.0.1', family: 4 }])
      },
      (_host, _options, done) => {
        done(null, [
          { address: 'nonsense', family: 4 },
          { address: '127.0.0.1', family: 4 },
        ])
        done(new Error('a second answer'), '')
      },
    ]
    for (const lookup of forms) {
      const { facts } = await connect(open({ lookup }), `http://api.test:${server.port}`)
      expect(facts.remoteAddress).toBe('127.0.0.1')
    }
  })

  it('never reports while it is started', async () => {
    let started = false
    const lookup: LookupFunction = () => {
      throw new Error('at once')
    }
    const failed = connect(open({ lookup }), 'http://api.test', () => {
      started = true
    })
    await expect(failed).rejects.toThrow('there is no address for api.test')
    expect(started).toBe(true)
  })

  it('that is called off in the handshake closes the socket', async () => {
    await using silent = await silentServer()
    let connecting: Connecting | undefined
    void connect(open(), silent.url.replace('http:', 'https:').slice(0, -1), made => {
      connecting = made
    })
    await silent.until(({ connections }) => (connections[0]?.bytesIn ?? 0) > 0)
    expect(connecting?.phase).toBe('tls')
    connecting?.destroy()
    connecting?.destroy()
    await silent.closed(1)
  })
})

describe('TLS', () => {
  it('resumes the session of an earlier connection, per server', async () => {
    const { ca, good } = certificates()
    await using one = await serve({ '/*': reply.text('x') }, { tls: good })
    await using two = await serve({ '/*': reply.text('x') }, { tls: good })
    const connector = open({ tls: { ca } })
    const resumed: (boolean | undefined)[] = []
    for (const { port } of [one, one, two, two, one]) {
      const { facts, close } = await connect(connector, `https://localhost:${port}`)
      resumed.push(facts.tls?.resumed)
      // The ticket arrives after the handshake.
      for (let turns = 0; turns < 20; turns++) await turn()
      close()
    }
    expect(resumed).toEqual([false, true, false, true, true])
    expect((await connect(open({ tls: { ca } }), `https://localhost:${one.port}`)).facts.tls?.resumed).toBe(false)
  })

  it('does not resume a session to get past a certificate that is refused', async () => {
    const { ca, good, untrusted } = certificates()
    const first = await serve({ '/*': reply.text('x') }, { tls: good })
    const connector = open({ tls: { ca } })
    const { close } = await connect(connector, `https://localhost:${first.port}`)
    for (let turns = 0; turns < 20; turns++) await turn()
    close()
    const { port } = first
    await first.close()
    const { createServer: createTlsServer } = await import('node:tls')
    const second = createTlsServer({ key: untrusted.key, cert: untrusted.cert }).listen(port, '127.0.0.1')
    cleanUp.push(() => second.close())
    second.on('tlsClientError', () => undefined)
    await new Promise(resolve => second.once('listening', resolve))
    const failure = await connect(connector, `https://127.0.0.1:${port}`).catch(
      (error: unknown) => (error as { failure: ConnectFailure }).failure,
    )
    expect(failure).toMatchObject({ code: 'TLS', phase: 'tls' })
  })

  it('refuses a key that does not open, when the connector is made', () => {
    const { good } = certificates()
    let error: unknown
    try {
      open({ tls: { cert: good.cert, key: 'no key' } })
    } catch (thrown) {
      error = thrown
    }
    expect(isHttpError(error) && error.code).toBe('CONFIG')
  })

  it('offers what the engine speaks', async () => {
    const { ca, good } = certificates()
    const { createServer: createTlsServer } = await import('node:tls')
    const server = createTlsServer({ key: good.key, cert: good.cert, ALPNProtocols: ['h2', 'http/1.1'] }).listen(
      0,
      '127.0.0.1',
    )
    cleanUp.push(() => server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const origin = `https://localhost:${(server.address() as AddressInfo).port}`
    expect((await connect(open({ tls: { ca } }), origin)).facts.protocol).toBe('http/1.1')
    const both = new Connector({ ...DEFAULTS, tls: { ca } }, ['h2', 'http/1.1'])
    expect((await connect(both, origin)).facts.protocol).toBe('h2')
  })
})
