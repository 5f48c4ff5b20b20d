import { firstValueFrom, from, toArray } from 'rxjs'
import { answered, headOf, HttpHeaders, mapAnswer, tapAnswer, type HttpEvent, type ResponseHead } from 'sluice'
import { describe, expect, it } from 'vitest'
import { aHead, aResponse } from '../samples.ts'
import { reason } from '../thrown.ts'

const flow = { pause: () => undefined, resume: () => undefined }
const live: HttpEvent = { type: 'head', head: aHead({ status: 201 }), flow }
const whole: HttpEvent = { type: 'response', response: aResponse('x', {}, 202) }
const others: readonly HttpEvent[] = [
  { type: 'sent' },
  { type: 'chunk', bytes: new Uint8Array(1) },
  { type: 'trailers', headers: HttpHeaders.none },
  { type: 'informational', status: 103, headers: HttpHeaders.none },
  { type: 'progress', way: 'up', loaded: 1 },
  { type: 'notice', plugin: 'x', name: 'y', detail: {} },
]
const all = (pass: ReturnType<typeof mapAnswer>, ...events: readonly HttpEvent[]): Promise<HttpEvent[]> =>
  firstValueFrom(from(events).pipe(pass, toArray()))

describe('answered and headOf', () => {
  it('know by which events an answer arrives', () => {
    expect([live, whole].filter(answered).map(event => headOf(event).status)).toEqual([201, 202])
    expect(others.filter(answered)).toEqual([])
  })
})

describe('mapAnswer', () => {
  const teapot = (head: ResponseHead): ResponseHead => ({ ...head, status: 418 })

  it('changes the head of a live answer and keeps its flow', async () => {
    const [event] = await all(mapAnswer({ head: teapot }), live)
    expect(event).toMatchObject({ type: 'head', head: { status: 418 } })
    expect(event?.type === 'head' && event.flow).toBe(flow)
  })

  it('changes the head of a whole answer, then the answer', async () => {
    const seen: number[] = []
    const [event] = await all(
      mapAnswer({
        head: teapot,
        response: response => {
          seen.push(response.status)
          return response.with({ bytes: new TextEncoder().encode('y') })
        },
      }),
      whole,
    )
    expect(event?.type === 'response' && [event.response.status, event.response.text()]).toEqual([418, 'y'])
    expect(seen).toEqual([418])
  })

  it('leaves a live answer alone when it only maps whole ones, and all other events always', async () => {
    expect(await all(mapAnswer({ response: response => response.with({ bytes: new Uint8Array(0) }) }), live)).toEqual([
      live,
    ])
    expect(await all(mapAnswer({ head: teapot }), ...others)).toEqual(others)
    const [event] = await all(mapAnswer({}), whole)
    expect(event?.type === 'response' && event.response.text()).toBe('x')
  })

  it('fails the call with what it throws', async () => {
    const broken = new Error('broken')
    const throwing = (): never => {
      throw broken
    }
    expect(await reason(all(mapAnswer({ head: throwing }), live))).toBe(broken)
    expect(await reason(all(mapAnswer({ response: throwing }), whole))).toBe(broken)
  })
})

describe('tapAnswer', () => {
  it('looks at answers and changes nothing', async () => {
    const seen: unknown[] = []
    const events = [...others, live, whole]
    expect(
      await all(
        tapAnswer((head, response) => seen.push([head.status, response?.text()])),
        ...events,
      ),
    ).toEqual(events)
    expect(seen).toEqual([
      [201, undefined],
      [202, 'x'],
    ])
  })

  it('fails the call with what it throws', async () => {
    const look = (): never => {
      throw new Error('broken')
    }
    expect(await reason(all(tapAnswer(look), live))).toEqual(new Error('broken'))
  })
})
