import '@angular/compiler'
import { PlatformLocation } from '@angular/common'
import {
  HttpClient,
  HttpContext,
  HttpErrorResponse,
  HttpEventType,
  HttpHeaders,
  HttpParams,
  HttpRequest,
  provideHttpClient,
  withInterceptors,
  type HttpEvent,
  type HttpInterceptorFn,
} from '@angular/common/http'
import { HttpTestingController, provideHttpClientTesting } from '@angular/common/http/testing'
import {
  createEnvironmentInjector,
  DOCUMENT,
  inject,
  InjectionToken,
  platformCore,
  provideZonelessChangeDetection,
  ɵINJECTOR_SCOPE as INJECTOR_SCOPE,
  type EnvironmentInjector,
  type EnvironmentProviders,
} from '@angular/core'
import { firstValueFrom, from, lastValueFrom, take, toArray, type Observable } from 'rxjs'
import { isHttpError, recommended } from 'sluice'
import { provideSluice, SLUICE, withSluiceOptions } from 'sluice/angular'
import { http2 } from 'sluice/engines/http2'
import { mock } from 'sluice/engines/mock'
import { undici } from 'sluice/engines/undici'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { retry } from 'sluice/plugins/retry'
import { reply, serve, type Reply, type Routes, type ServedRequest, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const encoder = new TextEncoder()

/** Says back what a request was. */
async function echo(request: ServedRequest): Promise<Reply> {
  const { method, target, headers } = request
  const shown = ['content-type', 'accept', 'x-own', 'cookie', 'x-xsrf-token']
  const fields = shown.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]]]))
  return reply.json({ method, target, headers: Object.fromEntries(fields) as unknown, body: await request.text() })
}

const routes: Routes = {
  '/echo': echo,
  'GET /json': reply.json({ a: 1 }),
  'GET /null': reply.json(null),
  'GET /xssi': { headers: { 'content-type': 'application/json' }, body: ')]}\',\n{"a":1}' },
  'GET /bad': { headers: { 'content-type': 'application/json' }, body: '{"a":' },
  'GET /text': reply.text('hällo'),
  'GET /latin1': { headers: { 'content-type': 'text/plain; charset=iso-8859-1' }, body: Uint8Array.of(0x68, 0xe4) },
  'GET /strange': { headers: { 'content-type': 'text/plain; charset=klingon' }, body: 'qapla' },
  'GET /empty': reply.text(''),
  'GET /204': reply.status(204),
  'GET /304': reply.status(304),
  'HEAD /text': reply.text('hällo'),
  'GET /chunks': { headers: { 'content-type': 'text/plain', 'content-length': '6' }, body: 'abcdef' },
  'GET /moved': reply.redirect('/json'),
  'GET /missing': reply.json({ why: 'not here' }, { status: 404 }),
  'GET /refused': reply.text('no', { status: 403, statusText: 'Nope' }),
  'GET /failed': { status: 500, headers: { 'content-type': 'application/json' }, body: 'not JSON' },
  'GET /fields': reply.text('x', { headers: { 'x-a': ['1', '2'], 'set-cookie': 'a=1' } }),
  'GET /broken': { fault: { kind: 'reset', at: 'before-head' } },
  'GET /cut': { body: 'hello', fault: { kind: 'reset', at: 'mid-body', bytes: 2 } },
  'GET /stalled': { fault: { kind: 'stall', at: 'before-head' } },
  'GET /half': { body: 'x'.repeat(100), fault: { kind: 'stall', at: 'mid-body', bytes: 50 } },
}

let server: TestServer
let theirs: Environment
let ours: Environment

/** An application without a page: what it was given, and its end. */
interface Environment {
  readonly injector: EnvironmentInjector
  readonly http: HttpClient
}

function environment(...providers: EnvironmentProviders[]): Environment {
  const root = { provide: INJECTOR_SCOPE, useValue: 'root' }
  const location = { provide: PlatformLocation, useValue: { href: `${server.url}page` } }
  const document = { provide: DOCUMENT, useValue: { cookie: 'XSRF-TOKEN=abc', baseURI: `${server.url}page` } }
  const parent = platformCore().injector as unknown as EnvironmentInjector
  const injector = createEnvironmentInjector(
    [root, document, location, provideZonelessChangeDetection(), ...providers],
    parent,
  )
  return { injector, http: injector.get(HttpClient) }
}

beforeAll(async () => {
  server = await serve(routes)
  theirs = environment(provideHttpClient())
  ours = environment(
    provideHttpClient(),
    provideSluice({ engine: undici(), plugins: recommended(retry({ times: 0 })) }),
  )
})

afterAll(async () => {
  ours.injector.destroy()
  theirs.injector.destroy()
  await server.close()
})

/** Headers of the connection, which the platform does not show or changes. */
const HIDDEN = ['connection', 'keep-alive', 'transfer-encoding']

/** What an event says, in a form in which two can be compared. */
function shown(event: HttpEvent<unknown>): unknown {
  switch (event.type) {
    case HttpEventType.Sent:
      return 'sent'
    case HttpEventType.User:
      return event
    case HttpEventType.UploadProgress:
    case HttpEventType.DownloadProgress:
      return { ...event }
    case HttpEventType.ResponseHeader:
    case HttpEventType.Response: {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- whoever reads it still gets what Angular gives.
      const { type, status, statusText, url, ok } = event
      // Angular does not know it yet when it tells of the head.
      const redirected = type === HttpEventType.Response ? event.redirected : undefined
      const body = 'body' in event ? event.body : undefined
      return { type, status, statusText, url, ok, redirected, body, headers: fieldsOf(event.headers) }
    }
  }
}

function fieldsOf(headers: HttpHeaders): unknown {
  return headers
    .keys()
    .filter(name => !HIDDEN.includes(name))
    .toSorted()
    .map(name => [name, headers.getAll(name)?.join(', ')])
}

function failure(error: unknown): unknown {
  if (!(error instanceof HttpErrorResponse)) return { thrown: (error as Error).name }
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- as above.
  const { status, statusText, url, ok, name, message, headers } = error
  const body: unknown = error.error instanceof Error ? 'an Error' : error.error
  return { status, statusText, url, ok, name, message, headers: fieldsOf(headers), body }
}

/** Everything a call tells, its error too. */
async function all(call: Observable<unknown>): Promise<unknown[]> {
  const told: unknown[] = []
  return new Promise(resolve => {
    call.subscribe({
      next: value => told.push(isEvent(value) ? shown(value) : value),
      error: (error: unknown) => {
        resolve([...told, { error: failure(error) }])
      },
      complete: () => {
        resolve([...told, 'complete'])
      },
    })
  })
}

function isEvent(value: unknown): value is HttpEvent<unknown> {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'number'
}

const events = { observe: 'events' } as const

/** Each is done with Angular's own backend and with ours, and must come to the same. */
const CASES: Readonly<Record<string, (http: HttpClient, url: string) => Promise<unknown>>> = {
  JSON: async (http, url) => all(http.get(`${url}json`)),
  'JSON that is null': async (http, url) => all(http.get(`${url}null`)),
  'JSON behind a guard against scripts': async (http, url) => all(http.get(`${url}xssi`)),
  'bad JSON': async (http, url) => all(http.get(`${url}bad`)),
  text: async (http, url) => all(http.get(`${url}text`, { responseType: 'text' })),
  'text of another charset': async (http, url) => all(http.get(`${url}latin1`, { responseType: 'text' })),
  bytes: async (http, url) => [
    ...new Uint8Array(await firstValueFrom(http.get(`${url}text`, { responseType: 'arraybuffer' }))),
  ],
  'a blob': async (http, url) => {
    const blob = await firstValueFrom(http.get(`${url}text`, { responseType: 'blob' }))
    return [blob.size, blob.type, await blob.text()]
  },
  'an empty text': async (http, url) => all(http.get(`${url}empty`, { responseType: 'text' })),
  'empty JSON': async (http, url) => all(http.get(`${url}empty`)),
  'no bytes': async (http, url) =>
    (await firstValueFrom(http.get(`${url}empty`, { responseType: 'arraybuffer' }))).byteLength,
  '204': async (http, url) => all(http.get(`${url}204`, events)),
  '304': async (http, url) => all(http.get(`${url}304`, events)),
  HEAD: async (http, url) => all(http.head(`${url}text`, { observe: 'response', responseType: 'text' })),
  'the body alone': async (http, url) => all(http.get(`${url}json`, { observe: 'body' })),
  'the response': async (http, url) => all(http.get(`${url}json`, { observe: 'response' })),
  'all events': async (http, url) => all(http.get(`${url}json`, events)),
  'all fields': async (http, url) => all(http.get(`${url}fields`, { observe: 'response', responseType: 'text' })),
  'progress of a text': async (http, url) =>
    all(http.get(`${url}chunks`, { ...events, responseType: 'text', reportDownloadProgress: true })),
  'progress of JSON': async (http, url) => all(http.get(`${url}json`, { ...events, reportDownloadProgress: true })),
  'progress of what was refused': async (http, url) =>
    all(http.get(`${url}missing`, { ...events, reportDownloadProgress: true })),
  'progress of nothing': async (http, url) => all(http.get(`${url}204`, { ...events, reportDownloadProgress: true })),
  'a redirect': async (http, url) => all(http.get(`${url}moved`, { observe: 'response' })),
  'a redirect that is refused': async (http, url) => all(http.get(`${url}moved`, { redirect: 'error' })),

  '404 with JSON': async (http, url) => all(http.get(`${url}missing`)),
  '404 with events': async (http, url) => all(http.get(`${url}missing`, events)),
  '403 with a text and a phrase': async (http, url) => all(http.get(`${url}refused`, { responseType: 'text' })),
  '403 with a text where JSON was wanted': async (http, url) => all(http.get(`${url}refused`)),
  '500 with what is no JSON': async (http, url) => all(http.get(`${url}failed`)),
  'no server': async http => all(http.get('http://127.0.0.1:9/')),
  'no answer': async (http, url) => all(http.get(`${url}broken`)),
  'a timeout': async (http, url) => all(http.get(`${url}stalled`, { timeout: 30 })),

  'an object as body': async (http, url) => all(http.post(`${url}echo`, { a: 1 })),
  'a list as body': async (http, url) => all(http.post(`${url}echo`, [1, 2])),
  'a string as body': async (http, url) => all(http.post(`${url}echo`, 'text')),
  'a number as body': async (http, url) => all(http.post(`${url}echo`, 7)),
  'true as body': async (http, url) => all(http.post(`${url}echo`, true)),
  'null as body': async (http, url) => all(http.post(`${url}echo`, null)),
  'an ArrayBuffer as body': async (http, url) => all(http.post(`${url}echo`, encoder.encode('bytes').buffer)),
  'a Blob as body': async (http, url) => all(http.post(`${url}echo`, new Blob(['blob'], { type: 'a/b' }))),
  'HttpParams as body': async (http, url) => all(http.post(`${url}echo`, new HttpParams({ fromObject: { a: '1 2' } }))),
  'a type of its own': async (http, url) =>
    all(http.post(`${url}echo`, { a: 1 }, { headers: { 'content-type': 'application/vnd.api+json' } })),
  PUT: async (http, url) => all(http.put(`${url}echo`, {})),
  PATCH: async (http, url) => all(http.patch(`${url}echo`, {})),
  DELETE: async (http, url) => all(http.delete(`${url}echo`)),
  OPTIONS: async (http, url) => all(http.options(`${url}echo`)),
  'any method': async (http, url) => all(http.request('REPORT', `${url}echo`)),
  'a HttpRequest': async (http, url) => all(http.request(new HttpRequest('POST', `${url}echo`, { a: 1 }))),
  params: async (http, url) => all(http.get(`${url}echo`, { params: { a: ['1', '+2'], b: 'x y', c: '{d}' } })),
  'braces in a url': async (http, url) => all(http.get(`${url}echo?q={a}`)),
  'headers of every kind': async (http, url) =>
    all(http.get(`${url}echo`, { headers: new HttpHeaders({ 'x-own': ['1', '2'], accept: 'text/html' }) })),
}

describe('beside the FetchBackend of Angular', () => {
  it.each(Object.entries(CASES))('comes to the same with %s', async (_, work) => {
    const expected = await work(theirs.http, server.url)
    expect(await work(ours.http, server.url)).toEqual(expected)
  })
})

describe('better than Angular’s own', () => {
  it.each([
    ['bytes', encoder.encode('raw'), undefined],
    ['a part of a buffer', new DataView(encoder.encode('..raw').buffer, 2), undefined],
    ['a form', new URLSearchParams({ a: '1 2' }), 'application/x-www-form-urlencoded;charset=UTF-8'],
  ])('sends %s as what they are, not as JSON', async (_, body, type) => {
    const answer = await firstValueFrom(
      ours.http.post<{ body: string; headers: Record<string, string> }>(`${server.url}echo`, body),
    )
    expect([answer.body, answer.headers['content-type']]).toEqual([
      body instanceof URLSearchParams ? 'a=1+2' : 'raw',
      type,
    ])
  })

  it('sends a stream, an Observable and an iterable while they are made', async () => {
    const parts = ['a', 'b', 'c'].map(text => encoder.encode(text))
    const stream = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part)
        controller.close()
      },
    })
    const iterable = (async function* () {
      yield* parts
    })()
    for (const body of [stream, from(parts), iterable]) {
      const answer = await firstValueFrom(ours.http.post<{ body: string }>(`${server.url}echo`, body))
      expect(answer.body).toBe('abc')
    }
  })

  it('says of an answer that broke off which one it was, and why', async () => {
    const error = (await lastValueFrom(ours.http.get(`${server.url}cut`)).catch(
      (reason: unknown) => reason,
    )) as HttpErrorResponse
    expect([error.status, error.url]).toEqual([0, `${server.url}cut`])
    expect(isHttpError(error.error) && error.error.code).toBe('BODY')
  })

  it('tells the progress of an upload', async () => {
    const body = new Blob(['x'.repeat(300_000)])
    const told = await lastValueFrom(
      ours.http
        .post(`${server.url}echo`, body, { ...events, responseType: 'text', reportUploadProgress: true })
        .pipe(toArray()),
    )
    const progress = told.filter(event => event.type === HttpEventType.UploadProgress)
    expect(progress.length).toBeGreaterThan(0)
    expect(progress.at(-1)).toEqual({ type: HttpEventType.UploadProgress, loaded: 300_000, total: 300_000 })
    expect(told.map(({ type }) => type)).toEqual([
      HttpEventType.Sent,
      ...progress.map(() => HttpEventType.UploadProgress),
      HttpEventType.Response,
    ])
  })

  it('asks again for what may be asked again', async () => {
    const engine = mock(() => 200).enqueue(503, 503)
    const { http, injector } = environment(
      provideHttpClient(),
      provideSluice({ engine, plugins: [retry({ times: 2, delay: () => 0 })] }),
    )
    expect((await firstValueFrom(http.get('https://api.test/', { observe: 'response' }))).status).toBe(200)
    expect(engine.history).toHaveLength(3)
    injector.destroy()
  })
})

describe('provideSluice', () => {
  it('gives the client to whoever injects it', async () => {
    const client = ours.injector.get(SLUICE)
    expect((await firstValueFrom(client.get(`${server.url}json`))).json()).toEqual({ a: 1 })
  })

  it('takes its options from a function that may inject', async () => {
    const WHERE = new InjectionToken<string>('where', { providedIn: 'root', factory: () => server.url })
    const { injector } = environment(
      provideHttpClient(),
      provideSluice(() => ({ engine: undici(), baseUrl: inject(WHERE), plugins: [] })),
    )
    expect((await firstValueFrom(injector.get(SLUICE).get('json'))).json()).toEqual({ a: 1 })
    injector.destroy()
  })

  it('ends the client with its injector', async () => {
    const { http, injector } = environment(provideHttpClient(), provideSluice({ engine: undici(), plugins: [] }))
    const client = injector.get(SLUICE)
    const ended = all(http.get(`${server.url}stalled`))
    await expect.poll(() => client.inFlight).toBe(1)
    injector.destroy()
    await Promise.resolve()
    expect(client.closed).toBe(true)
    expect(JSON.stringify(await ended)).toContain('"status":0')
    await client.join()
  })

  it('passes the options of a call to the plugins', async () => {
    const engine = mock(() => 200).enqueue(503, 503, 503)
    const { http, injector } = environment(
      provideHttpClient(),
      provideSluice({ engine, plugins: [retry({ times: 0, delay: () => 0 })] }),
    )
    const context = withSluiceOptions({ retry: { times: 3 } }, new HttpContext())
    await firstValueFrom(http.get('https://api.test/', { context }))
    expect(engine.history).toHaveLength(4)
    const wrong = withSluiceOptions({ retri: { times: 3 } })
    const error = (await firstValueFrom(http.get('https://api.test/', { context: wrong })).catch(
      (reason: unknown) => reason,
    )) as HttpErrorResponse
    expect(isHttpError(error.error) && error.error.code).toBe('CONFIG')
    injector.destroy()
  })

  it('keeps interceptors in their order, around the plugins', async () => {
    const seen: string[] = []
    const named =
      (name: string): HttpInterceptorFn =>
      (request, next) => {
        seen.push(name)
        return next(request.clone({ setHeaders: { 'x-own': name } }))
      }
    const { http, injector } = environment(
      provideHttpClient(withInterceptors([named('a'), named('b')])),
      provideSluice({ engine: undici(), plugins: [] }),
    )
    const answer = await firstValueFrom(http.get<{ headers: Record<string, string> }>(`${server.url}echo`))
    expect([seen, answer.headers['x-own']]).toEqual([['a', 'b'], 'b'])
    injector.destroy()
  })

  it('keeps the XSRF token of Angular', async () => {
    const { http, injector } = environment(provideHttpClient(), provideSluice({ engine: undici(), plugins: [] }))
    const answer = await firstValueFrom(http.post<{ headers: Record<string, string> }>('/echo', {}))
    expect(answer.headers['x-xsrf-token']).toBe('abc')
    injector.destroy()
  })

  it('takes relative urls from the page', async () => {
    expect(await firstValueFrom(ours.http.get('json'))).toEqual({ a: 1 })
    expect(await firstValueFrom(ours.http.get('/json'))).toEqual({ a: 1 })
  })

  it('makes way for HttpTestingController', async () => {
    const engine = mock(() => 500)
    const { http, injector } = environment(provideHttpClient(), provideSluice({ engine, plugins: [] }), {
      ɵproviders: provideHttpClientTesting(),
    } as unknown as EnvironmentProviders)
    const answer = firstValueFrom(http.get('/api'))
    injector.get(HttpTestingController).expectOne('/api').flush({ a: 2 })
    expect(await answer).toEqual({ a: 2 })
    expect(engine.history).toEqual([])
    injector.destroy()
  })

  it('turns what the client calls an error into what Angular calls one', async () => {
    const { http, injector } = environment(
      provideHttpClient(),
      provideSluice({ engine: undici(), plugins: recommended(expectSuccess()) }),
    )
    const told = await all(http.get(`${server.url}missing`))
    expect(told).toEqual(await all(theirs.http.get(`${server.url}missing`)))
    injector.destroy()
  })

  it('speaks whatever the engine speaks', async () => {
    await using modern = await serve({ 'GET /': reply.json({ h: 2 }) }, { protocol: 'h2c' })
    const { http, injector } = environment(
      provideHttpClient(),
      provideSluice({ engine: http2({ mode: 'h2c' }), plugins: [] }),
    )
    expect(await firstValueFrom(http.get(modern.url))).toEqual({ h: 2 })
    const client = injector.get(SLUICE)
    injector.destroy()
    await client.join()
  })
})

describe('leaving', () => {
  it.each(['stalled', 'half'])('ends the exchange at the socket: %s', async path => {
    const call = ours.http.get(`${server.url}${path}`, {
      ...events,
      responseType: 'text',
      reportDownloadProgress: true,
    })
    const before = server.requests.length
    const subscription = call.subscribe({ error: () => undefined })
    await expect.poll(() => server.requests.length, { interval: 2 }).toBe(before + 1)
    const request = server.requests[before]
    if (path === 'half') await expect.poll(() => request?.bytesOut, { interval: 2 }).toBe(50)
    subscription.unsubscribe()
    await expect.poll(() => request?.brokenAt, { timeout: 500, interval: 2 }).toBeDefined()
  })

  it('at once sends nothing', async () => {
    const before = server.requests.length
    await firstValueFrom(ours.http.get(`${server.url}stalled`, events).pipe(take(1)))
    expect(await firstValueFrom(ours.http.get(`${server.url}json`))).toEqual({ a: 1 })
    expect(server.requests.length).toBe(before + 1)
  })
})
