import { firstValueFrom, NEVER, type Observable } from 'rxjs'
import { clock, createClient, DEADLINE, definePlugin, isHttpError, type AnyPlugin, type HttpError } from 'sluice'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { deadline } from 'sluice/plugins/deadline'
import { retry } from 'sluice/plugins/retry'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'
import { virtually } from '../support/virtual-time.ts'

function open(engine: MockEngine, ...plugins: AnyPlugin[]) {
  return createClient({ engine, baseUrl: 'https://api.test/', plugins: plugins as [ReturnType<typeof deadline>] })
}

/** Subscribes in virtual time and tells how it ended, and when. */
function endOf(call: Observable<unknown>): string {
  let end = 'still running'
  virtually(({ flush }) => {
    call.subscribe({
      error(error: unknown) {
        end = `${clock.now()} ${isHttpError(error) ? `${error.code} ${error.phase ?? ''}` : String(error)}`
      },
      complete() {
        end = `${clock.now()} complete`
      },
    })
    flush()
  })
  return end
}

describe('a call', () => {
  it('may take five minutes', () => {
    expect(endOf(open(mock().enqueue({ stall: 'headers' }), deadline()).get('x'))).toBe('300000 TIMEOUT deadline')
    expect(endOf(open(mock().enqueue({ delay: 299_999 }), deadline()).get('x'))).toBe('299999 complete')
  })

  it('may take as long as it is given, in all its phases together', () => {
    const slow = { connection: { took: { dns: 30, tcp: 30 } }, delay: 30, chunks: ['a', 30, 'b'] }
    expect(endOf(open(mock().enqueue(slow), deadline({ ms: 121 })).get('x'))).toBe('120 complete')
    expect(endOf(open(mock().enqueue(slow), deadline({ ms: 119 })).get('x'))).toBe('119 TIMEOUT deadline')
  })

  it.each(['queue', 'dns', 'connect', 'tls', 'headers', 'body'] as const)('is aborted in the phase %s', phase => {
    const api = mock().enqueue({ stall: phase, body: 'hello' })
    expect(endOf(open(api, deadline({ ms: 50 })).get('x'))).toBe('50 TIMEOUT deadline')
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', phase, endedAt: 50 })
  })

  it('has its attempts and the waits between them counted', () => {
    const api = mock(() => ({ status: 503, delay: 40 }))
    expect(endOf(open(api, deadline({ ms: 130 }), retry({ times: 9, delay: () => 15 })).get('x'))).toBe(
      '130 TIMEOUT deadline',
    )
    expect(api.history.map(({ startedAt }) => startedAt)).toEqual([0, 55, 110])
  })

  it('may have a deadline of its own, or none', () => {
    const stalled = () => open(mock().enqueue({ stall: 'headers' }), deadline({ ms: 100 }))
    expect(endOf(stalled().get('x', { deadline: { ms: 20 } }))).toBe('20 TIMEOUT deadline')
    expect(endOf(stalled().get('x', { deadline: { ms: false } }))).toBe('still running')
    expect(endOf(stalled().get('x', { deadline: false }))).toBe('still running')
  })
})

describe('a stream', () => {
  it('may go on without end', () => {
    const api = mock().enqueue({ chunks: ['a', 400_000, 'b'] })
    endOf(open(api, deadline()).stream('x', () => NEVER))
    expect(api.history[0]?.outcome).toBe('completed')
  })

  it('ends at the deadline it is given, also in the middle of its body', () => {
    const api = mock().enqueue({ chunks: ['a', 400_000, 'b'] })
    endOf(open(api, deadline({ ms: 1_000 })).stream('x', () => NEVER))
    expect(api.history[0]).toMatchObject({ outcome: 'aborted', endedAt: 1_000 })
  })
})

it('says in a sentence what took too long', () => {
  let caught: unknown
  virtually(({ flush }) => {
    open(mock().enqueue({ stall: 'headers' }), deadline({ ms: 50 }))
      .get('users?key=secret')
      .subscribe({ error: (error: unknown) => (caught = error) })
    flush()
  })
  expect((caught as HttpError).message).toBe(
    'GET https://api.test/users?key=<redacted:6> took longer than 50 ms in all.',
  )
})

it('tells those further in until when, and lets an earlier one from further out stand', () => {
  const seen: (number | undefined)[] = []
  const looking = definePlugin({
    name: 'looking',
    scope: 'steer',
    defaults: {},
    install: () => (request, next) => {
      seen.push(request.read(DEADLINE))
      return next(request)
    },
  })
  const earlier = definePlugin({
    name: 'earlier',
    scope: 'call',
    defaults: {},
    install: () => (request, next) => next(request.note(DEADLINE, 20)),
  })
  virtually(({ flush }) => {
    open(mock().enqueue(200), deadline({ ms: 50 }), looking())
      .get('x')
      .subscribe()
    open(mock().enqueue(200), earlier(), deadline({ ms: 50 }), looking())
      .get('x')
      .subscribe()
    flush()
  })
  expect(seen).toEqual([50, 20])
})

it('keeps no timer after the end', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
  const before = timers()
  open(mock().enqueue(200), deadline()).get('x').subscribe()
  const left = open(mock().enqueue({ stall: 'headers' }), deadline())
    .get('x')
    .subscribe()
  expect(timers()).toBe(before + 1)
  left.unsubscribe()
  expect(timers()).toBe(before)
})

it('closes the connection of a body that drips', async () => {
  await using server = await serve({
    'GET /drip': reply.text('x'.repeat(10_000), { fault: { kind: 'drip', at: 'after-head', every: 5 } }),
  })
  const client = createClient({ engine: undici(), baseUrl: server.url, plugins: [deadline({ ms: 100 })] })
  await expect(firstValueFrom(client.get('drip'))).rejects.toMatchObject({ code: 'TIMEOUT', phase: 'deadline' })
  await server.closed(1, 1_000)
  await client.close()
})

describe('deadline()', () => {
  it.each([0, -1, Number.NaN, Infinity, 2 ** 31, '5', true, null])('refuses %j', ms => {
    expect(() => deadline({ ms: ms as never })).toThrow('deadline({ ms }) must be a number of milliseconds above 0')
  })

  it('stands inside of what wants to see how a call ended', () => {
    const logging = definePlugin({
      name: 'logging',
      scope: 'call',
      defaults: {},
      install: () => (request, next) => next(request),
    })
    expect(() => createClient({ engine: mock(), plugins: [deadline(), logging()] })).toThrow(
      'deadline cannot stand before logging: outside of the deadline a log sees how the call ended',
    )
  })
})
