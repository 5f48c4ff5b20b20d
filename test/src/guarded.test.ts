import { describe, expect, it } from 'vitest'
import { HttpError, type UploadIterator, type UploadSource } from '../../src/index.ts'
import { guarded } from '../../src/guarded.ts'
import { aRequest } from './samples.ts'
import { reason, thrown } from './thrown.ts'

const END = { done: true, value: undefined }
const chunk = (length: number): { done: false; value: Uint8Array } => ({ done: false, value: new Uint8Array(length) })

interface Scripted extends UploadSource {
  returned: number
}

/** A source that makes these steps and counts how often it is told to end. */
function scripted(...steps: readonly (() => ReturnType<UploadIterator['next']>)[]): Scripted {
  const left = [...steps]
  const source: Scripted = {
    length: undefined,
    replayable: true,
    returned: 0,
    open: () => ({
      next: () => left.shift()?.() ?? Promise.resolve({ done: true, value: undefined }),
      return: () => {
        source.returned++
        return Promise.resolve({ done: true, value: undefined })
      },
    }),
  }
  return source
}

const gives = (...lengths: number[]): Scripted =>
  scripted(...lengths.map(length => () => Promise.resolve(chunk(length))))
const second = aRequest({ id: 4, method: 'POST' })

describe('a guarded upload', () => {
  it('passes on what its source gives, and its facts', async () => {
    const source = guarded(second, gives(2, 3), 5)
    expect(source).toMatchObject({ length: 5, replayable: true })
    const iterator = source.open()
    expect([await iterator.next(), await iterator.next(), await iterator.next()]).toEqual([chunk(2), chunk(3), END])
  })

  it('leaves out empty chunks, which would end a chunked body', async () => {
    const iterator = guarded(second, gives(0, 2, 0, 0, 1, 0), undefined).open()
    expect([await iterator.next(), await iterator.next(), await iterator.next()]).toEqual([chunk(2), chunk(1), END])
  })

  it('fails when its source ends too early', async () => {
    const source = gives(2)
    const iterator = guarded(second, source, 3).open()
    await iterator.next()
    const error = (await reason(iterator.next())) as HttpError
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', attempt: 1, request: { id: 4 } })
    expect(error.message).toBe('The body of POST https://api.test/users ended after 2 of the 3 bytes announced.')
    await iterator.return()
    expect(source.returned).toBe(0)
  })

  it.each([
    [[2, 2], 3],
    [[1, 2, 1], 3],
    [[1, 2, 0, 1], 3],
    [[1, 4], 3],
  ])(
    'fails before the request is whole when its source has too much, and ends it once: %j',
    async (lengths, length) => {
      const source = gives(...lengths)
      const iterator = guarded(second, source, length).open()
      await iterator.next()
      const error = (await reason(iterator.next())) as HttpError
      expect(error).toMatchObject({ code: 'BODY', phase: 'send' })
      expect(error.message).toBe('The body of POST https://api.test/users has more than the 3 bytes announced.')
      expect(source.returned).toBe(1)
      await iterator.return()
      expect(await iterator.next()).toEqual(END)
      expect(source.returned).toBe(1)
    },
  )

  it('knows that its source has ended, also with empty chunks behind the last byte', async () => {
    const source = gives(1, 2, 0, 0)
    const iterator = guarded(second, source, 3).open()
    expect([await iterator.next(), await iterator.next()]).toEqual([chunk(1), chunk(2)])
    await iterator.return()
    expect(source.returned).toBe(0)
    expect(await iterator.next()).toEqual(END)
  })

  it('fails before the request is whole when its source breaks after all of it', async () => {
    const iterator = guarded(
      second,
      scripted(
        () => Promise.resolve(chunk(3)),
        () => Promise.reject(new Error('disk')),
      ),
      3,
    ).open()
    expect(await reason(iterator.next())).toMatchObject({ code: 'BODY', phase: 'send' })
    expect(await iterator.next()).toEqual(END)
  })

  it('may be left while it looks for the end of its source', async () => {
    const source = scripted(
      () => Promise.resolve(chunk(3)),
      () => new Promise(() => undefined),
    )
    const iterator = guarded(second, source, 3).open()
    void iterator.next()
    await Promise.resolve()
    await iterator.return()
    expect(source.returned).toBe(1)
  })

  it('may be empty when nothing was announced', async () => {
    expect(await guarded(second, gives(), 0).open().next()).toEqual(END)
    expect(await guarded(second, gives(), undefined).open().next()).toEqual(END)
    expect(await guarded(second, gives(0), 0).open().next()).toEqual(END)
  })

  it.each<[string, () => Promise<never>]>([
    ['rejects', () => Promise.reject(new Error('disk'))],
    [
      'throws',
      () => {
        throw new Error('disk')
      },
    ],
  ])('says whose body it was when its source %s', async (_, step) => {
    const source = scripted(step)
    const iterator = guarded(second, source, undefined).open()
    const error = (await reason(iterator.next())) as HttpError
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', request: { id: 4 } })
    expect(error.message).toBe('The body of POST https://api.test/users failed while it was sent.')
    expect(error.cause).toEqual(new Error('disk'))
    await iterator.return()
    expect(source.returned).toBe(0)
  })

  it('keeps what a source knows better, and adds the request', async () => {
    const iterator = guarded(
      second,
      scripted(() => Promise.reject(new HttpError('TOO_LARGE', 'Too much.', { phase: 'send' }))),
      undefined,
    ).open()
    expect(await reason(iterator.next())).toMatchObject({ code: 'TOO_LARGE', message: 'Too much.', request: { id: 4 } })
  })

  it('says whose body it was when its source cannot be opened', () => {
    const broken = (error: unknown): UploadSource => ({
      length: undefined,
      replayable: false,
      open() {
        throw error
      },
    })
    const error = thrown(() => guarded(second, broken(new Error('no file')), undefined).open())
    expect(error).toMatchObject({ code: 'BODY', phase: 'send', request: { id: 4 } })
    expect(error.message).toBe('The body of POST https://api.test/users could not be opened.')
    expect(error.cause).toEqual(new Error('no file'))
    const spent = new HttpError('BODY', 'Spent.', { requestWritten: 'no' })
    expect(thrown(() => guarded(second, broken(spent), undefined).open())).toMatchObject({
      message: 'Spent.',
      requestWritten: 'no',
      request: { id: 4 },
    })
  })

  it('ends its source once, however often it is left', async () => {
    const source = scripted(() => new Promise(() => undefined))
    const iterator = guarded(second, source, undefined).open()
    void iterator.next()
    await Promise.all([iterator.return(), iterator.return()])
    expect(source.returned).toBe(1)
  })

  it('does not take being left for a body that is too short', async () => {
    const { promise, resolve } = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    const iterator = guarded(
      second,
      scripted(() => promise),
      3,
    ).open()
    const pending = iterator.next()
    await iterator.return()
    resolve({ done: true, value: undefined })
    expect(await pending).toEqual(END)
    expect(await iterator.next()).toEqual(END)
  })

  it('swallows what a source it left does afterwards', async () => {
    const { promise, reject } = Promise.withResolvers<IteratorResult<Uint8Array, undefined>>()
    const source = scripted(() => promise)
    const failing: UploadSource = {
      ...source,
      open: () => ({ ...source.open(), return: () => Promise.reject(new Error('in return')) }),
    }
    const iterator = guarded(second, failing, 3).open()
    const pending = iterator.next()
    await iterator.return()
    reject(new Error('late'))
    expect(await pending).toEqual(END)
  })
})
