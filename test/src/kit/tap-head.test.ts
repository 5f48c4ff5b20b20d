import { firstValueFrom, of } from 'rxjs'
import { createClient, definePlugin, discard, reissue, tapHead, type AnyPlugin, type ResponseHead } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const A = 'http://a.test/'

/** A plugin that looks at heads. */
function looking(look: (head: ResponseHead) => void, name = 'looking'): AnyPlugin {
  return definePlugin({
    name,
    scope: 'attempt',
    defaults: {},
    install: () => (request, next) => next(tapHead(request, look)),
  })()
}

describe('tapHead', () => {
  it('sees the head of every attempt, with what was asked', async () => {
    const seen: string[] = []
    const again = definePlugin({
      name: 'again',
      scope: 'steer',
      defaults: {},
      install: () => (request, next) =>
        next(discard(request, ({ status }) => status === 503)).pipe(
          reissue(({ head }) => (head?.status === 503 ? next(request) : undefined)),
        ),
    })
    const engine = mock(() => 200).enqueue(503)
    const look = (head: ResponseHead): void => {
      seen.push(`${head.status} ${head.request.url}`)
    }
    await firstValueFrom(createClient({ engine, plugins: [again(), looking(look)] }).get(A))
    expect(seen).toEqual([`503 ${A}`, `200 ${A}`])
  })

  it('sees the head of an answer whose body is cut off', async () => {
    await using server = await serve({ '/': reply.text('cut', { fault: { kind: 'reset', at: 'mid-body', bytes: 1 } }) })
    const seen: number[] = []
    const look = ({ status }: ResponseHead): void => {
      seen.push(status)
    }
    await using client = createClient({ engine: undici(), plugins: [looking(look)] })
    await expect(firstValueFrom(client.get(server.url))).rejects.toMatchObject({ code: 'BODY' })
    expect(seen).toEqual([200])
  })

  it('lets several look, the innermost first, and one function once', async () => {
    const seen: string[] = []
    const one = (): void => void seen.push('one')
    const two = (): void => void seen.push('two')
    const engine = mock(() => 200)
    const plugins = [looking(one, 'a'), looking(one, 'b'), looking(two, 'c')]
    await firstValueFrom(createClient({ engine, plugins }).get(A))
    expect(seen).toEqual(['two', 'one'])
  })

  it('does not see what did not come from the engine', async () => {
    const seen: number[] = []
    const kept = await firstValueFrom(createClient({ engine: mock(() => 200), plugins: [] }).get(A))
    const keeping = definePlugin({
      name: 'keeping',
      scope: 'attempt',
      defaults: {},
      install: () => () => of({ type: 'response', response: kept }),
    })
    const look = ({ status }: ResponseHead): void => void seen.push(status)
    await firstValueFrom(createClient({ engine: mock(() => 200), plugins: [looking(look), keeping()] }).get(A))
    expect(seen).toEqual([])
  })

  it('fails the exchange with what is thrown', async () => {
    const look = (): void => {
      throw new Error('no')
    }
    const call = createClient({ engine: mock(() => 200), plugins: [looking(look)] }).get(A)
    await expect(firstValueFrom(call)).rejects.toThrow('no')
  })
})
