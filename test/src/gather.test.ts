import { concat, EMPTY, firstValueFrom, from, lastValueFrom, of, Subject, throwError, toArray, Observable } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { concat as join, gather, MOST_BYTES } from '../../src/gather.ts'
import { HttpHeaders, type HttpEvent, type HttpResponse, type ResponseHead } from '../../src/index.ts'
import { aHead, aRequest, aResponse } from './samples.ts'
import { failure, reason } from './thrown.ts'

const flow = { pause: () => undefined, resume: () => undefined }
const head = (change: Partial<ResponseHead> = {}): HttpEvent => ({ type: 'head', head: aHead(change), flow })
const chunk = (text: string): HttpEvent => ({ type: 'chunk', bytes: new TextEncoder().encode(text) })
const gathered = (...events: readonly HttpEvent[]): Observable<HttpEvent> => gather(aRequest(), from(events))

async function response(...events: readonly HttpEvent[]): Promise<HttpResponse> {
  const event = await lastValueFrom(gathered(...events))
  if (event.type !== 'response') throw new Error(`the last event is ${event.type}`)
  return event.response
}

describe('gathering', () => {
  it('makes one response of head, chunks and trailers', async () => {
    const whole = await response(head({ status: 201 }), chunk('a'), chunk('b'), chunk('c'), {
      type: 'trailers',
      headers: HttpHeaders.of({ sum: '1' }),
    })
    expect([whole.status, whole.text(), whole.trailers.get('sum')]).toEqual([201, 'abc', '1'])
  })

  it.each([
    [3, undefined],
    [2, 'TOO_LARGE'],
  ])('takes as many bytes as are wanted (%i), and leaves when there are more', async (most, code) => {
    let left = false
    const events = new Observable<HttpEvent>(subscriber => {
      for (const event of [head(), chunk('ab'), chunk('c')]) subscriber.next(event)
      subscriber.complete()
      return () => (left = true)
    })
    const call = lastValueFrom(gather(aRequest().note(MOST_BYTES, most), events))
    if (code === undefined) expect(await call).toMatchObject({ type: 'response' })
    else await expect(call).rejects.toMatchObject({ code, phase: 'body' })
    expect(left).toBe(true)
  })

  it('takes a single chunk as it is, without copying it', async () => {
    const only = chunk('a')
    const whole = await response(head(), only)
    expect(only.type === 'chunk' && whole.bytes).toBe(only.type === 'chunk' && only.bytes)
  })

  it('has no bytes when none came', async () => {
    expect((await response(head())).bytes).toEqual(new Uint8Array(0))
  })

  it('passes on everything that is not the answer, as it happens', async () => {
    const others: HttpEvent[] = [
      { type: 'sent' },
      { type: 'informational', status: 103, headers: HttpHeaders.none },
      { type: 'progress', way: 'down', loaded: 1 },
      { type: 'notice', plugin: 'x', name: 'y', detail: {} },
    ]
    const seen = await firstValueFrom(gathered(...others, head(), chunk('a'), ...others).pipe(toArray()))
    expect(seen.map(({ type }) => type)).toEqual([
      ...others.map(({ type }) => type),
      ...others.map(({ type }) => type),
      'response',
    ])
  })

  it('passes on an answer that is whole already', async () => {
    const whole = aResponse('x')
    expect(await response({ type: 'response', response: whole })).toBe(whole)
  })

  it('tells nobody of an answer that broke off', async () => {
    const cut = gather(
      aRequest(),
      concat(
        from([head(), chunk('a')]),
        throwError(() => new Error('cut')),
      ),
    )
    const seen: HttpEvent[] = []
    cut.subscribe({ next: event => seen.push(event), error: () => undefined })
    expect(seen).toEqual([])
    expect(await reason(lastValueFrom(cut))).toEqual(new Error('cut'))
  })

  it('fails when nothing was said', async () => {
    const error = await failure(gather(aRequest(), EMPTY))
    expect(error).toMatchObject({ code: 'PROTOCOL', phase: 'headers', attempt: 1, request: { id: 1 } })
    expect(error.message).toBe('GET https://api.test/users ended without an answer.')
    expect(await failure(gather(aRequest(), of({ type: 'sent' } as const)).pipe(toArray()))).toMatchObject({
      code: 'PROTOCOL',
    })
  })

  it('leaves its source when it is left', () => {
    const source = new Subject<HttpEvent>()
    const subscription = gather(aRequest(), source).subscribe()
    expect(source.observed).toBe(true)
    subscription.unsubscribe()
    expect(source.observed).toBe(false)
  })

  it('begins anew for every subscriber', async () => {
    const source = gathered(head(), chunk('a'))
    const [first, second] = [await lastValueFrom(source), await lastValueFrom(source)]
    expect(first.type === 'response' && first.response.text()).toBe('a')
    expect(second.type === 'response' && second.response.text()).toBe('a')
  })
})

describe('concat', () => {
  it('joins chunks', () => {
    expect(join([])).toEqual(new Uint8Array(0))
    expect(join([Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)])).toEqual(Uint8Array.of(1, 2, 3))
  })
})
