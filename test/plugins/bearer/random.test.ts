import fc from 'fast-check'
import { Observable, type Subscriber } from 'rxjs'
import { createClient } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { bearer, type RefreshContext } from 'sluice/plugins/bearer'
import { it } from 'vitest'

/** What happens, in some order; numbers choose among those it can happen to. */
type Step =
  | { readonly kind: 'request' | 'leave' | 'answer' | 'refreshed' | 'failed' | 'none'; readonly at: number }
  | { readonly kind: 'expire' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('request' as const), at: fc.nat(9) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('answer' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('refreshed' as const), at: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('failed' as const, 'none' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'expire' as const }) },
)

/** A world in which nothing happens by itself. */
class World {
  /** The token the server takes. */
  #good = 1
  #minted = 1
  #refreshes: Subscriber<string | undefined>[] = []
  readonly #answers: (() => void)[] = []
  readonly calls: { state: 'runs' | 'settled' | 'left'; leave: () => void }[] = []
  readonly wrongs: string[] = []
  /** The newest token that a refresh has given to the client. */
  #known = 'a1'
  readonly #client = createClient({
    baseUrl: 'https://a.test/',
    engine: mock(({ request }) => {
      const token = request.headers.get('authorization') ?? 'nothing'
      if (token !== `Bearer ${this.#known}`) this.wrongs.push(`${token} was sent when ${this.#known} was known`)
      return new Promise(resolve => {
        this.#answers.push(() => resolve(token === `Bearer a${this.#good}` ? 200 : 401))
      })
    }),
    plugins: [bearer({ token: 'a1', refresh: context => this.#refresh(context), timeout: false })],
  })

  #refresh({ token }: RefreshContext): Observable<string | undefined> {
    return new Observable(subscriber => {
      if (this.#refreshes.length > 0) this.wrongs.push('a second refresh')
      if (token !== this.#known) this.wrongs.push(`a refresh for ${token ?? ''} when ${this.#known} was known`)
      if (!this.calls.some(({ state }) => state === 'runs')) this.wrongs.push('a refresh for nobody')
      this.#refreshes.push(subscriber)
      subscriber.add(() => {
        this.#refreshes = this.#refreshes.filter(one => one !== subscriber)
      })
    })
  }

  async do(what: Step): Promise<void> {
    if (what.kind === 'expire') this.#good = this.#minted + 1
    else if (what.kind === 'request') this.#request()
    else if (what.kind === 'answer') this.#answers.splice(what.at % Math.max(this.#answers.length, 1), 1)[0]?.()
    else if (what.kind === 'leave') {
      const running = this.calls.filter(({ state }) => state === 'runs')
      running[what.at % Math.max(running.length, 1)]?.leave()
    } else this.#settle(what.kind)
    await turn()
    const running = this.calls.some(({ state }) => state === 'runs')
    if (!running && this.#refreshes.length > 0) this.wrongs.push('a refresh nobody waits for goes on')
  }

  /** Answers whatever is open, until nothing is. */
  async finish(): Promise<void> {
    for (let left = 1_000; left > 0 && (this.#answers.length > 0 || this.#refreshes.length > 0); left--) {
      this.#answers.shift()?.()
      this.#settle('refreshed')
      await turn()
    }
    for (const [at, { state }] of this.calls.entries()) if (state === 'runs') this.wrongs.push(`call ${at} hangs`)
    if (this.#client.inFlight > 0) this.wrongs.push(`${this.#client.inFlight} in flight`)
  }

  #request(): void {
    const call: World['calls'][number] = { state: 'runs', leave: () => undefined }
    this.calls.push(call)
    let ends = 0
    const end = (): void => {
      if (call.state === 'left') this.wrongs.push('heard of after leaving')
      call.state = 'settled'
      if (++ends > 1) this.wrongs.push('settled twice')
    }
    const running = this.#client.get('x').subscribe({ error: end, complete: end })
    call.leave = () => {
      if (call.state !== 'runs') return
      call.state = 'left'
      running.unsubscribe()
    }
  }

  #settle(how: 'refreshed' | 'failed' | 'none'): void {
    const [refresh] = this.#refreshes
    if (refresh === undefined) return
    if (how === 'failed') refresh.error(new Error('down'))
    else if (how === 'none') refresh.next(undefined)
    else {
      this.#good = ++this.#minted
      this.#known = `a${this.#minted}`
      refresh.next(this.#known)
    }
  }
}

/** Lets everything happen that only waits for promises. */
async function turn(): Promise<void> {
  for (let turns = 0; turns < 8; turns++) await Promise.resolve()
}

it('in whatever order: nobody hangs, never two refreshes, no old token after a new one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async steps => {
      const world = new World()
      for (const one of steps) await world.do(one)
      await world.finish()
      if (world.wrongs.length > 0) throw new Error(world.wrongs.join('\n'))
    }),
    { numRuns: 1_000 },
  )
}, 60_000)

it('in whatever order a scheduler lets refreshes and answers come', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fc.boolean(), { minLength: 2, maxLength: 12 }), async (s, leaves) => {
      let [minted, refreshing, most] = [1, 0, 0]
      const client = createClient({
        baseUrl: 'https://a.test/',
        engine: mock(({ request }) =>
          s.schedule(Promise.resolve()).then(() => (request.headers.get('authorization') === 'Bearer a1' ? 401 : 200)),
        ),
        plugins: [
          bearer({
            token: 'a1',
            timeout: false,
            refresh: () =>
              new Observable<string>(subscriber => {
                most = Math.max(most, ++refreshing)
                subscriber.add(() => {
                  refreshing--
                })
                void s.schedule(Promise.resolve(), 'refresh').then(() => {
                  subscriber.next(`a${++minted}`)
                })
              }),
          }),
        ],
      })
      const seen: (number | 'left' | undefined)[] = []
      for (const [at, leaves_] of leaves.entries()) {
        const call = client.get('x').subscribe(({ status }) => (seen[at] = status))
        if (!leaves_) continue
        void s.schedule(Promise.resolve(), 'leave').then(() => {
          seen[at] ??= 'left'
          call.unsubscribe()
        })
      }
      await s.waitFor(until(() => seen.filter(one => one !== undefined).length === leaves.length))
      if (most > 1) throw new Error('two refreshes at once')
      if (seen.some(one => one !== 200 && one !== 'left')) throw new Error(`seen: ${seen.join()}`)
      if (client.inFlight + refreshing > 0) throw new Error('something goes on')
    }),
    { numRuns: 300 },
  )
}, 60_000)

async function until(done: () => boolean): Promise<void> {
  for (let turns = 0; turns < 10_000 && !done(); turns++) await Promise.resolve()
  if (!done()) throw new Error('somebody hangs')
}
