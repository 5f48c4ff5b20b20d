import { fetch } from 'sluice/engines/fetch'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { refusal, send, sent } from '../../support/send.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

/** A browser that cannot send streams: it takes one for text, never asks for `duplex`, and drops forbidden fields. */
function browser({ streams }: { streams: boolean }): void {
  class StrictRequest {
    readonly headers: Headers
    readonly duplex: unknown

    constructor(_: string, init: RequestInit & { duplex?: string }) {
      this.headers = new Headers(init.headers)
      this.headers.delete('cookie')
      if (streams) this.duplex = init.duplex
      else if (init.body !== undefined) this.headers.set('content-type', 'text/plain;charset=UTF-8')
    }
  }
  vi.stubGlobal('Request', StrictRequest)
  vi.stubGlobal('navigator', { userAgent: 'Mozilla/5.0' })
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3)
}

/** A `fetch` that keeps what it was given. */
function keeping() {
  const seen: RequestInit[] = []
  const own = (_: string, init: RequestInit): Promise<Response> => {
    seen.push(init)
    return Promise.resolve(new Response('ok'))
  }
  return { seen, own }
}

describe('what the engine declares', () => {
  it('on Node', () => {
    expect(fetch().create().capabilities).toMatchObject({
      streamingUpload: true,
      uploadProgress: true,
      duplex: true,
      backPressure: true,
      decodes: true,
      reserves: ['headers', 'methods', 'connections', 'parsing'],
    })
  })

  it('in a browser that streams uploads', () => {
    browser({ streams: true })
    expect(fetch().create().capabilities).toMatchObject({
      streamingUpload: true,
      uploadProgress: false,
      duplex: false,
      backPressure: false,
      reserves: ['headers', 'methods', 'connections', 'uploads', 'redirects', 'cookies', 'failures', 'parsing'],
    })
  })

  it('in a browser that does not', () => {
    browser({ streams: false })
    const { streamingUpload, reserves } = fetch().create().capabilities
    expect([streamingUpload, reserves?.includes('uploads')]).toEqual([false, false])
  })
})

describe.each([true, false])('in a browser (streams: %s)', streams => {
  it('a body with a known length is collected, and the length left to the browser', async () => {
    browser({ streams })
    const { seen, own } = keeping()
    await sent(fetch({ fetch: own }).create(), 'https://api.test/', {
      method: 'POST',
      body: new Blob(['four', 'teen']),
    })
    const [init] = seen
    expect(init?.body).toBeInstanceOf(Blob)
    expect(await (init?.body as Blob).text()).toBe('fourteen')
    expect(init?.headers).toEqual([])
  })

  it('a body that is left while it is collected is never sent, and its source stopped once', async () => {
    browser({ streams })
    const { seen, own } = keeping()
    let returned = 0
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: () => {
          returned++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }),
    }
    const one = send(fetch({ fetch: own }).create(), 'https://api.test/', {
      method: 'POST',
      body: source,
      headers: { 'content-length': '10' },
    })
    await new Promise(resolve => setImmediate(resolve))
    one.exchange.abort()
    one.exchange.abort()
    await new Promise(resolve => setImmediate(resolve))
    expect([seen.length, returned, one.ends]).toEqual([0, 1, 0])
  })

  it('a body whose source fails while it is collected is not sent', async () => {
    browser({ streams })
    const { seen, own } = keeping()
    const broken = new Error('the disk is gone')
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1)
      throw broken
    }
    const error = await refusal(fetch({ fetch: own }).create(), 'https://api.test/', {
      method: 'POST',
      body: failing(),
      headers: { 'content-length': '10' },
    })
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', cause: broken, requestWritten: 'no' })
    expect(seen).toEqual([])
  })
})

describe('a body whose length nobody knows', () => {
  it('is streamed where the browser can', async () => {
    browser({ streams: true })
    const { seen, own } = keeping()
    await sent(fetch({ fetch: own }).create(), 'https://api.test/', { method: 'POST', body: pieces() })
    expect(seen[0]?.body).toBeInstanceOf(ReadableStream)
  })

  it('is UNSUPPORTED where it cannot, and says what would have worked', async () => {
    browser({ streams: false })
    const { seen, own } = keeping()
    const engine = fetch({ fetch: own }).create()
    const error = await refusal(engine, 'https://api.test/', { method: 'POST', body: pieces() })
    expect(error).toMatchObject({ code: 'UNSUPPORTED', phase: 'config', requestWritten: 'no' })
    expect(error.message).toBe(
      'POST https://api.test/ needs streamingUpload, which the engine fetch cannot do on this platform: its body has no length known beforehand; give bytes or a Blob; engines that can, outside of browsers: undici, http2, http.',
    )
    expect(seen).toEqual([])
  })
})
