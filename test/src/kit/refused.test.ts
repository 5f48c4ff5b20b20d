import { HttpError, HttpHeaders, HttpResponse, MOST_REFUSED, refused, refusedLive, StreamingResponse } from 'sluice'
import { describe, expect, it } from 'vitest'
import { LiveBody } from '../../../src/live-body.ts'
import { aHead } from '../samples.ts'

const nothing = (): void => undefined

function live(): { body: LiveBody; response: StreamingResponse } {
  const body = new LiveBody({ pause: nothing, resume: nothing })
  return { body, response: new StreamingResponse(aHead({ status: 503, statusText: 'Busy' }), body) }
}

describe('refused', () => {
  it('names method, url and status, and has the answer', () => {
    const response = new HttpResponse({
      head: aHead({ status: 404, statusText: 'Not Found' }),
      bytes: new Uint8Array(0),
    })
    const error = refused(response)
    expect(error.message).toBe('GET https://api.test/users was answered 404 Not Found.')
    expect([error.code, error.phase, error.response, error.requestWritten]).toEqual([
      'STATUS',
      'headers',
      response,
      'yes',
    ])
  })
})

describe('refusedLive', () => {
  it('reads the body and what comes behind it', async () => {
    const { body, response } = live()
    const error = refusedLive(response)
    body.push(new TextEncoder().encode('come '))
    body.push(new TextEncoder().encode('later'))
    body.trailers = HttpHeaders.of({ 'x-end': '1' })
    body.finish()
    const { response: whole, message } = await error
    expect(message).toBe('GET https://api.test/users was answered 503 Busy.')
    expect([whole?.text(), whole?.trailers.get('x-end')]).toEqual(['come later', '1'])
  })

  it('reads no more than 64 KiB', async () => {
    const { body, response } = live()
    for (let at = 0; at < 5; at++) body.push(new Uint8Array(20_000))
    expect((await refusedLive(response)).response?.bytes.length).toBe(MOST_REFUSED)
  })

  it('has what broke the answer off as its cause', async () => {
    const { body, response } = live()
    const broken = new HttpError('RESET', 'The connection broke.')
    body.push(Uint8Array.of(65))
    body.fail(broken)
    const error = await refusedLive(response)
    expect([error.code, error.response?.text(), error.cause]).toEqual(['STATUS', 'A', broken])
  })
})
