import { describe, expect, it, vi } from 'vitest'
import { StreamingResponse } from '../../src/index.ts'
import { LiveBody } from '../../src/live-body.ts'
import { aHead, all } from './samples.ts'

// How a reader is given one, and what ends with it, is in reading.test.ts.

const open = (): { body: LiveBody; response: StreamingResponse; asked: string[] } => {
  const asked: string[] = []
  const body = new LiveBody({ pause: () => asked.push('pause'), resume: () => asked.push('resume') })
  return { body, response: new StreamingResponse(aHead({ status: 404 }), body), asked }
}

describe('StreamingResponse', () => {
  it('has the parts of its head', () => {
    const { response } = open()
    expect([response.status, response.ok, response.url]).toEqual([404, false, 'https://api.test/users'])
    expect(response.timings).toBeUndefined()
  })

  it('makes no web stream unless it is asked for', () => {
    const made = vi.spyOn(globalThis, 'ReadableStream')
    try {
      const { body, response } = open()
      body.push(Uint8Array.of(1))
      void response.read()
      expect(made).not.toHaveBeenCalled()
      response.body.getReader()
      expect(made).toHaveBeenCalledTimes(1)
    } finally {
      made.mockRestore()
    }
  })

  it('has a web stream that pulls one chunk for each that is asked for', async () => {
    const { body, response, asked } = open()
    const reader = response.body.getReader()
    body.push(new Uint8Array(200 * 1024))
    body.push(new Uint8Array(100 * 1024))
    expect(asked).toEqual(['pause'])
    expect((await reader.read()).value?.length).toBe(200 * 1024)
    expect(asked).toEqual(['pause'])
    expect((await reader.read()).value?.length).toBe(100 * 1024)
    expect(asked).toEqual(['pause', 'resume'])
    body.finish()
    expect((await reader.read()).done).toBe(true)
  })

  it('can be iterated to its end, and then again for nothing', async () => {
    const { body, response } = open()
    body.push(Uint8Array.of(1))
    body.push(Uint8Array.of(2))
    body.finish()
    expect(await all(response)).toEqual([Uint8Array.of(1), Uint8Array.of(2)])
    expect(await all(response)).toEqual([])
  })
})
