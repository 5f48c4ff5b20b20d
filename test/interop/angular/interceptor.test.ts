import '@angular/compiler'
import { HttpResponse, type HttpErrorResponse, type HttpInterceptorFn } from '@angular/common/http'
import {
  createEnvironmentInjector,
  inject,
  InjectionToken,
  Injector,
  platformCore,
  runInInjectionContext,
  type EnvironmentInjector,
} from '@angular/core'
import { catchError, firstValueFrom, map, Observable, of, retry, switchMap, throwError, timer } from 'rxjs'
import { createClient, HttpError, isHttpError, type AnyPlugin } from 'sluice'
import { fromAngular } from 'sluice/angular'
import { mock, type MockEngine } from 'sluice/engines/mock'
import { text } from 'sluice/streams/text'
import { describe, expect, it } from 'vitest'

const TOKEN = new InjectionToken<string>('token')

function pluginOf(interceptor: HttpInterceptorFn): AnyPlugin {
  const parent: unknown = platformCore().injector
  const injector = createEnvironmentInjector([{ provide: TOKEN, useValue: 'secret' }], parent as EnvironmentInjector)
  return runInInjectionContext(injector.get(Injector), () => fromAngular(interceptor, { name: 'own' }))
}

function open(interceptor: HttpInterceptorFn, engine: MockEngine = mock(() => ({ body: { a: 1 } }))) {
  return { client: createClient({ engine, plugins: [pluginOf(interceptor)] }), engine }
}

async function codeOf(call: Observable<unknown>): Promise<unknown> {
  return firstValueFrom(call).catch((error: unknown) => (isHttpError(error) ? error.code : error))
}

/** Angular's errors are no `Error`s. */
function throwing(reason: unknown): Observable<never> {
  return new Observable(subscriber => {
    subscriber.error(reason)
  })
}

describe('an interceptor of Angular as plugin', () => {
  it('adds a header, and may inject', async () => {
    const { client, engine } = open((request, next) =>
      next(request.clone({ setHeaders: { authorization: inject(TOKEN) } })),
    )
    await firstValueFrom(client.get('https://api.test/'))
    expect(engine.history[0]?.request.headers.get('authorization')).toBe('secret')
  })

  it('leaves alone what it does not touch, the body of a stream too', async () => {
    const { client, engine } = open((request, next) => next(request))
    async function* parts() {
      yield 'a'
    }
    const answer = await firstValueFrom(client.post('https://api.test/x', parts(), { headers: { 'x-a': '1' } }))
    expect(answer.json()).toEqual({ a: 1 })
    expect(engine.history[0]?.request.headers.get('x-a')).toBe('1')
    expect(engine.history[0]?.request.body).toBeDefined()
  })

  it('changes url, method, params and body', async () => {
    const { client, engine } = open((request, next) =>
      next(request.clone({ url: 'https://b.test/y', method: 'PUT', body: { b: 2 }, setParams: { q: '1' } })),
    )
    await firstValueFrom(client.post('https://api.test/x', 'text'))
    const sent = engine.history[0]?.request
    expect([sent?.method, sent?.url]).toEqual(['PUT', 'https://b.test/y?q=1'])
    expect(new TextDecoder().decode(sent?.body as Uint8Array)).toBe('{"b":2}')
  })

  it('changes an answer', async () => {
    const { client } = open((request, next) =>
      next(request).pipe(
        map(event => (event instanceof HttpResponse ? event.clone({ body: { b: event.body as object } }) : event)),
      ),
    )
    expect((await firstValueFrom(client.get('https://api.test/'))).json()).toEqual({ b: { a: 1 } })
  })

  it('answers by itself', async () => {
    const { client, engine } = open(() => of(new HttpResponse({ body: 'kept', status: 203 })))
    const answer = await firstValueFrom(client.get('https://api.test/'))
    expect([answer.status, answer.text(), engine.history.length]).toEqual([203, 'kept', 0])
  })

  it('sees what is no success as an error, which is a value again outside of it', async () => {
    const seen: unknown[] = []
    const engine = mock(() => ({ status: 404, body: { why: 'gone' } }))
    const { client } = open(
      (request, next) =>
        next(request).pipe(
          catchError((error: unknown) => {
            const { status, error: body } = error as { status: number; error: unknown }
            seen.push(status, body)
            return throwing(error)
          }),
        ),
      engine,
    )
    const answer = await firstValueFrom(client.get('https://api.test/'))
    expect([seen, answer.status, answer.json()]).toEqual([[404, { why: 'gone' }], 404, { why: 'gone' }])
  })

  it('sees a failure as the status 0, and the client its own error', async () => {
    let status: number | undefined
    const { client } = open(
      (request, next) =>
        next(request).pipe(
          catchError((error: unknown) => {
            ;({ status } = error as HttpErrorResponse)
            return throwing(error)
          }),
        ),
      mock(() => new HttpError('RESET', 'The peer broke off.')),
    )
    expect([await codeOf(client.get('https://api.test/')), status]).toEqual(['RESET', 0])
  })

  it('asks again, as retry does and after a login', async () => {
    const engine = mock(() => 200).enqueue(new HttpError('RESET', 'The peer broke off.'), 401)
    const { client } = open(
      (request, next) =>
        next(request).pipe(
          retry({
            count: 1,
            delay: (error: HttpErrorResponse) => (error.status === 0 ? timer(0) : throwError(() => error)),
          }),
          catchError(() =>
            timer(0).pipe(switchMap(() => next(request.clone({ setHeaders: { authorization: 'new' } })))),
          ),
        ),
      engine,
    )
    expect((await firstValueFrom(client.get('https://api.test/'))).status).toBe(200)
    expect(engine.history.map(({ request }) => request.headers.get('authorization'))).toEqual([
      undefined,
      undefined,
      'new',
    ])
  })

  it('fails a call by an error of its own', async () => {
    const { client } = open(() => throwError(() => new RangeError('no')))
    expect(await codeOf(client.get('https://api.test/'))).toBeInstanceOf(RangeError)
  })

  it('is left out of a call, and sees live answers going in', async () => {
    const { client, engine } = open((request, next) => next(request.clone({ setHeaders: { 'x-own': '1' } })))
    const options = { own: false } as object
    await firstValueFrom(client.get('https://api.test/', options))
    expect(await firstValueFrom(client.stream('https://api.test/', text()))).toBe('{"a":1}')
    expect(engine.history.map(({ request }) => request.headers.get('x-own'))).toEqual([undefined, '1'])
  })

  it('leaves the exchange when the call is left', async () => {
    const { client, engine } = open(
      (request, next) => next(request),
      mock(() => ({ delay: 10_000 })),
    )
    const subscription = client.get('https://api.test/').subscribe()
    await expect.poll(() => engine.history.length).toBe(1)
    subscription.unsubscribe()
    expect(client.inFlight).toBe(0)
  })
})
