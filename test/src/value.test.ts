import { describe, expect, it } from 'vitest'
import { HttpError, HttpHeaders, HttpResponse, VALUE_READER, type Schema } from '../../src/index.ts'
import { issuesOf } from '../../src/response.ts'
import { aHead, aRequest, aResponse } from './samples.ts'
import { thrown } from './thrown.ts'

const upper: Schema<string> = {
  '~standard': { version: 1, vendor: 'tests', validate: value => ({ value: String(value).toUpperCase() }) },
}

describe('value', () => {
  it.each<[string, string, unknown]>([
    ['application/json', '{"a":1}', { a: 1 }],
    ['Application/JSON; charset=utf-8', '1', 1],
    ['text/json', 'null', null],
    ['application/vnd.api+json', '[]', []],
    ['application/problem+JSON;x=y', '""', ''],
    ['model/gltf+json', '{}', {}],
    ['text/plain', '1', '1'],
    ['TEXT/html; charset=utf-8', '', ''],
    ['text/xml', '<a/>', '<a/>'],
  ])('of %s', (type, body, expected) => {
    expect(aResponse(body, { 'content-type': type }).value()).toEqual(expected)
  })

  it.each([
    'application/octet-stream',
    'image/png',
    'application/jsonx',
    'application/json-seq',
    'x/y; a=application/json',
    'json',
    '',
  ])('of %j is nobody’s to read', type => {
    const error = thrown(() => aResponse('{"s":"s3cret"}', { 'content-type': type }).value())
    expect(error).toMatchObject({ code: 'BODY', phase: 'decode', request: { id: 1 }, response: { status: 200 } })
    expect(error.message).toContain(`the content-type ${JSON.stringify(type)}, of which value() can make nothing`)
    expect(error.message).not.toContain('s3cret')
  })

  it('of a body without a type, or with a very long one, is refused in a short sentence', () => {
    expect(thrown(() => aResponse('a').value()).message).toContain('has no content-type, of which')
    expect(thrown(() => aResponse('a', { 'content-type': 'x'.repeat(10_000) }).value()).message.length).toBeLessThan(
      400,
    )
  })

  it.each([
    ['a 204', aResponse('', { 'content-type': 'application/json' }, 204)],
    ['a 205', aResponse('', { 'content-type': 'application/json' }, 205)],
    ['a 304', aResponse('', { 'content-type': 'application/json' }, 304)],
    ['an answer with nothing and no type', aResponse('')],
    [
      'an answer to HEAD',
      new HttpResponse({
        head: aHead({
          request: aRequest({ method: 'HEAD' }),
          headers: HttpHeaders.of({ 'content-type': 'application/json' }),
        }),
        bytes: new Uint8Array(0),
      }),
    ],
  ])('of %s is undefined', (_, response) => {
    expect(response.value()).toBeUndefined()
  })

  it('of JSON that is empty is an error', () => {
    expect(thrown(() => aResponse('', { 'content-type': 'application/json' }).value()).code).toBe('BODY')
  })

  it('is made anew each time, so that nobody changes it for others', () => {
    const response = aResponse('[1]', { 'content-type': 'application/json' })
    response.value<number[]>().push(2)
    expect(response.value()).toEqual([1])
  })

  it('is what a schema makes of it', () => {
    expect(aResponse('ada', { 'content-type': 'text/plain' }).value(upper)).toBe('ADA')
  })

  it('is what a plugin makes of it, by a note on the request', () => {
    const request = aRequest().note(VALUE_READER, response => response.bytes.length)
    expect(new HttpResponse({ head: aHead({ request }), bytes: new Uint8Array(3) }).value()).toBe(3)
  })
})

describe('a value that is settled', () => {
  const text = aResponse('raw', { 'content-type': 'text/plain' })
  const issues = [{ message: 'no' }]
  const error = new HttpError('BODY', 'It does not match.', { issues })

  it('is what value() answers, and what a schema is given', () => {
    expect(text.with({ settled: { value: 'made' } }).value()).toBe('made')
    expect(text.with({ settled: { value: undefined } }).value()).toBeUndefined()
    expect(text.with({ settled: { value: 'made' } }).value(upper)).toBe('MADE')
    expect(text.with({ settled: { value: 'made' } }).text()).toBe('raw')
  })

  it('may be an error, whose issues are known', () => {
    const response = text.with({ settled: { error } })
    expect(thrown(() => response.value())).toBe(error)
    expect([issuesOf(response), issuesOf(text), issuesOf(text.with({ settled: { value: 1 } }))]).toEqual([
      issues,
      undefined,
      undefined,
    ])
    expect(response.text()).toBe('raw')
  })

  it('stays with another head, and goes with other bytes', () => {
    const response = text.with({ settled: { value: 'made' } })
    expect(response.with({ head: aHead({ status: 201 }) }).value()).toBe('made')
    expect(response.with({ bytes: new Uint8Array(0) }).value()).toBe('')
    expect(response.with({ bytes: new Uint8Array(0), settled: { value: 'new' } }).value()).toBe('new')
  })
})
