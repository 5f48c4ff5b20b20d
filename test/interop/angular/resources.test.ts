import '@angular/compiler'
import {
  ApplicationRef,
  createEnvironmentInjector,
  DOCUMENT,
  Injector,
  platformCore,
  provideZonelessChangeDetection,
  runInInjectionContext,
  signal,
  ɵINJECTOR_SCOPE as INJECTOR_SCOPE,
  type EnvironmentInjector,
  type ResourceRef,
} from '@angular/core'
import { scan } from 'rxjs'
import { isHttpError } from 'sluice'
import { injectStream, provideSluice, sseResource, streamResource } from 'sluice/angular'
import { undici } from 'sluice/engines/undici'
import { lines } from 'sluice/streams/lines'
import { ndjson } from 'sluice/streams/ndjson'
import { reply, serve, type TestServer } from 'sluice/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'

let server: TestServer

beforeAll(async () => {
  server = await serve({
    'GET /rows/:count': ({ params }) =>
      reply.text(Array.from({ length: Number(params['count']) }, (_, at) => `{"id":${at}}\n`).join('')),
    'GET /none': reply.text(''),
    'GET /endless': ({ gone }) => ({ headers: { 'content-type': 'text/event-stream' }, body: ticks(gone) }),
    'GET /missing': reply.status(404),
  })
})

afterAll(async () => server.close())

async function* ticks(gone: AbortSignal): AsyncGenerator<string> {
  for (let at = 0; !gone.aborted; at++) {
    yield `data: ${at}\n\n`
    await new Promise(resolve => setTimeout(resolve, 2))
  }
}

/** An application without a page; resources run while it ticks. */
function application() {
  const providers = [
    { provide: INJECTOR_SCOPE, useValue: 'root' },
    { provide: DOCUMENT, useValue: { cookie: '', getElementById: () => null } },
    provideZonelessChangeDetection(),
    provideSluice({ engine: undici(), plugins: [] }),
  ]
  const parent: unknown = platformCore().injector
  const injector = createEnvironmentInjector(providers, parent as EnvironmentInjector)
  const app = injector.get(ApplicationRef)
  return {
    make: <T>(work: () => T): T => runInInjectionContext(injector.get(Injector), work),
    tick: () => {
      app.tick()
    },
    [Symbol.dispose]() {
      injector.destroy()
    },
  }
}

async function settled(resource: ResourceRef<unknown>, tick: () => void): Promise<unknown> {
  await expect
    .poll(
      () => {
        tick()
        return resource.status()
      },
      { interval: 5 },
    )
    .toSatisfy(status => status === 'resolved' || status === 'error')
  return resource.status()
}

it('the value of a resource follows a stream', async () => {
  using app = application()
  const rows = app.make(() =>
    streamResource({
      url: () => `${server.url}rows/3`,
      reader: ndjson<{ id: number }>(),
      pipe: items => items.pipe(scan((ids: readonly number[], { id }) => [...ids, id], [])),
    }),
  )
  await settled(rows, app.tick)
  await expect.poll(() => rows.value()).toEqual([0, 1, 2])
})

it('another url is another stream, and none is none', async () => {
  using app = application()
  const count = signal<number | undefined>(2)
  const last = app.make(() =>
    streamResource({
      url: () => (count() === undefined ? undefined : `${server.url}rows/${count()}`),
      reader: ndjson<{ id: number }>(),
      defaultValue: { id: -1 },
    }),
  )
  expect(last.value()).toEqual({ id: -1 })
  await settled(last, app.tick)
  await expect.poll(() => last.value()).toEqual({ id: 1 })
  count.set(5)
  await expect.poll(() => (app.tick(), last.value()), { interval: 5 }).toEqual({ id: 4 })
  count.set(undefined)
  await expect.poll(() => (app.tick(), last.status()), { interval: 5 }).toBe('idle')
})

it('a stream without items is empty and no error', async () => {
  using app = application()
  const none = app.make(() => streamResource({ url: () => `${server.url}none`, reader: lines() }))
  expect(await settled(none, app.tick)).toBe('resolved')
  expect(none.value()).toBeUndefined()
})

it('a failure is the error of the resource', async () => {
  using app = application()
  const missing = app.make(() => streamResource({ url: () => `${server.url}missing`, reader: lines() }))
  expect(await settled(missing, app.tick)).toBe('error')
  const error: unknown = missing.error()
  expect(isHttpError(error) && error.code).toBe('STATUS')
})

it('the value of a resource follows events, until its application ends', async () => {
  const app = application()
  const prices = app.make(() => sseResource({ url: () => `${server.url}endless` }))
  await settled(prices, app.tick)
  await expect.poll(() => Number(prices.value()?.data)).toBeGreaterThan(2)
  const request = server.requests.at(-1)
  expect(request?.brokenAt).toBeUndefined()
  app[Symbol.dispose]()
  await expect.poll(() => request?.brokenAt, { timeout: 500, interval: 2 }).toBeDefined()
})

it('a stream that is injected ends with where it was injected', async () => {
  const app = application()
  const stream = app.make(() => injectStream(`${server.url}endless`, lines()))
  let seen = 0
  let done = false
  stream.subscribe({ next: () => seen++, complete: () => (done = true) })
  await expect.poll(() => seen).toBeGreaterThan(2)
  const request = server.requests.at(-1)
  app[Symbol.dispose]()
  await expect.poll(() => request?.brokenAt, { timeout: 500, interval: 2 }).toBeDefined()
  expect(done).toBe(true)
})
