import { of } from 'rxjs'
import { canBeSentAgain } from 'sluice'
import { describe, expect, it } from 'vitest'
import { prepareBody, type Body } from '../../../src/body.ts'
import type { UploadSource } from '../../../src/upload.ts'
import { aRequest } from '../samples.ts'

async function* once(): AsyncGenerator<string> {
  yield 'x'
}

const sourceOf = (given: Body): UploadSource => prepareBody(given).body as UploadSource

describe('a request can be sent again', () => {
  it.each<[string, Body]>([
    ['without a body', undefined],
    ['with a text', 'text'],
    ['with bytes', Uint8Array.of(1)],
    ['with a Blob', new Blob(['x'])],
    ['with a function that makes a stream', () => once()],
  ])('%s, always', (_, given) => {
    const { body } = prepareBody(given)
    const request = aRequest({ body })
    if (body !== undefined && !(body instanceof Uint8Array)) void body.open().return()
    expect([canBeSentAgain(request), request.replayable]).toEqual([true, true])
  })

  it.each<[string, () => Body]>([
    ['an async iterable', once],
    ['a stream', () => new Blob(['x']).stream()],
    ['an Observable', () => of('x')],
  ])('with %s, until somebody has begun to read it', (_, make) => {
    const body = sourceOf(make())
    const request = aRequest({ body })
    expect([canBeSentAgain(request), request.replayable]).toEqual([true, false])
    void body.open().return()
    expect(canBeSentAgain(request)).toBe(false)
  })

  it('with a source of a plugin that does not tell whether it was read, never', () => {
    const body: UploadSource = { length: undefined, replayable: false, open: () => sourceOf(once()).open() }
    expect(canBeSentAgain(aRequest({ body }))).toBe(false)
  })
})
