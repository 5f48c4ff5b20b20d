/** Whatever happens in whatever order: every call ends once, every exchange ends once, and nothing is left. */
import fc from 'fast-check'
import { from, mergeMap, NEVER, retry, take, type Observable, type Subscription } from 'rxjs'
import { createClient, definePlugin, reissue, type Client, type EngineFactory, type StreamingResponse } from 'sluice'
import { describe, expect, it } from 'vitest'
import { ScriptedEngine, type Sent } from './scripted-engine.ts'

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

async function* chunks(response: StreamingResponse): AsyncGenerator<number> {
  for await (const bytes of response) yield bytes.length
}

const again = definePlugin({
  name: 'again',
  scope: 'steer',
  defaults: {},
  install: () => (request, next) => {
    let left = 2
    return next(request).pipe(
      reissue(({ head, error }) =>
        (head?.status === 503 || error !== undefined) && left-- > 0 ? next(request) : undefined,
      ),
    )
  },
})

const calls: readonly ((client: Client) => Observable<unknown>)[] = [
  client => client.get('a'),
  client => client.post('a', { x: 1 }),
  client => client.events('a'),
  client => client.events('a').pipe(take(2)),
  client => client.get('a').pipe(retry(1)),
  client => client.with().get('a'),
  client => client.stream('a', chunks),
  client => client.stream('a', response => from(chunks(response)).pipe(take(1))),
  client => client.stream('a', () => NEVER),
  client => client.stream('a', response => response.read()),
  client => client.stream('a', () => []),
  client => client.get('a').pipe(mergeMap(() => client.get('b'))),
]

type Step =
  | { readonly do: 'call'; readonly kind: number }
  | { readonly do: 'leave' | 'events'; readonly which: number; readonly what: number }
  | { readonly do: 'turn' | 'close' | 'cancel' }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('call' as const), kind: fc.nat(calls.length - 1) }) },
    {
      weight: 10,
      arbitrary: fc.record({ do: fc.constant('events' as const), which: fc.nat(7), what: fc.nat(6) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(7), what: fc.nat(0) }) },
    { weight: 3, arbitrary: fc.constant({ do: 'turn' as const }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('close' as const, 'cancel' as const) }) },
  ),
  { maxLength: 40 },
)

const speak: readonly ((sent: Sent) => unknown)[] = [
  sent => sent.connection(),
  sent => sent.head(),
  sent => sent.head(503),
  sent => sent.chunk('abc'),
  sent => sent.chunk(new Uint8Array(300 * 1024)),
  sent => {
    sent.complete()
  },
  sent => {
    sent.fail()
  },
]

describe('a client', () => {
  it('ends every call and every exchange once, whatever happens in whatever order', async () => {
    const engines: ScriptedEngine[] = []
    const factory: EngineFactory = {
      name: 'scripted',
      create: () => {
        const engine = new ScriptedEngine()
        engines.push(engine)
        return engine
      },
    }
    await fc.assert(
      fc.asyncProperty(steps, async todo => {
        const client = createClient({ engine: factory, baseUrl: 'https://api.test/', plugins: [again()] })
        const engine = engines.at(-1)
        const ends: number[] = []
        const late: string[] = []
        const subscriptions: Subscription[] = []
        let closing: Promise<unknown> | undefined

        const run = (step: Step): Promise<void> | undefined => {
          switch (step.do) {
            case 'call': {
              const n = ends.push(0) - 1
              const end = (): void => {
                ends[n] = (ends[n] ?? 0) + 1
              }
              const next = (): void => {
                if ((ends[n] ?? 0) > 0) late.push(`call ${n} spoke after its end`)
              }
              subscriptions.push(
                calls[step.kind]?.(client).subscribe({ next, error: end, complete: end }) as Subscription,
              )
              return undefined
            }
            case 'events': {
              const sent = engine?.sent[step.which]
              if (sent) speak[step.what]?.(sent)
              return undefined
            }
            case 'leave':
              subscriptions[step.which]?.unsubscribe()
              return undefined
            case 'turn':
              return settle()
            case 'close':
              closing = client.close()
              return undefined
            case 'cancel':
              client.cancel()
          }
          return undefined
        }
        for (const step of todo) await run(step)
        client.cancel()
        await client.join()
        await closing
        await settle()

        expect(late).toEqual([])
        expect(ends.filter(n => n > 1)).toEqual([])
        expect(subscriptions.every(({ closed }) => closed)).toBe(true)
        expect(client.inFlight).toBe(0)
        expect(engine?.violations).toEqual([])
        expect(engine?.sent.filter(sent => sent.open)).toEqual([])
        expect(engine?.sent.filter(({ asked }) => asked.filter(one => one === 'abort').length > 1)).toEqual([])
        expect(engine?.ended.length).toBeGreaterThan(0)
      }),
      { numRuns: 300 },
    )
  })
})
