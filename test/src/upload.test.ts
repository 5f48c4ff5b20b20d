import { createReadStream } from 'node:fs'
import { PassThrough, Readable } from 'node:stream'
import { of, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  fromAsyncIterable,
  fromBlob,
  fromObservable,
  fromReadableStream,
  replayed,
  spent,
  type UploadIterator,
  type UploadSource,
} from '../../src/upload.ts'
import { reason, thrown } from './thrown.ts'

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)

async function all(iterator: UploadIterator): Promise<string> {
  let sent = ''
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
    sent += new TextDecoder().decode(step.value)
  }
  return sent
}

async function* letters(): AsyncGenerator<Uint8Array | string> {
  yield bytes('a')
  yield 'b'
}

const streamOf = (...texts: string[]): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(bytes(text))
      controller.close()
    },
  })

/** An iterable that never yields, and counts how often it was told to end. */
function stuck(): AsyncIterable<Uint8Array> & { returned: number } {
  return {
    returned: 0,
    [Symbol.asyncIterator]() {
      return {
        next: () => new Promise(() => undefined),
        return: () => {
          this.returned++
          return Promise.resolve({ done: true, value: undefined })
        },
      }
    },
  }
}

describe('a blob', () => {
  it('has a length and can be opened again and again', async () => {
    const source = fromBlob(new Blob(['ab', 'c']))
    expect(source).toMatchObject({ length: 3, replayable: true })
    expect([await all(source.open()), await all(source.open())]).toEqual(['abc', 'abc'])
  })
})

const oneShots: readonly (readonly [name: string, make: () => object, from: (given: never) => UploadSource])[] = [
  ['a ReadableStream', () => streamOf('a', 'b'), fromReadableStream],
  ['a generator', () => letters(), fromAsyncIterable],
  ['a stream of Node', () => Readable.from(['a', 'b']), fromAsyncIterable],
  ['an Observable', () => of(bytes('a'), 'b'), fromObservable],
]

describe.each(oneShots)('%s', (_, make, from) => {
  it('is sent once, its length unknown', async () => {
    const source = from(make() as never)
    expect(source).toMatchObject({ length: undefined, replayable: false, spent: false })
    expect(await all(source.open())).toBe('ab')
  })

  it('is refused a second time before a byte of it is sent, also to another call', async () => {
    const given = make()
    const source = from(given as never)
    await all(source.open())
    const other = from(given as never)
    for (const again of [source, other]) {
      expect(again.spent).toBe(true)
      const error = thrown(() => again.open())
      expect(error).toMatchObject({ code: 'BODY', phase: 'send', requestWritten: 'no' })
      expect(error.message).toMatch(/cannot be produced again\. Give a function that returns a new one, as in .+\.$/)
    }
  })

  it('ends at once when it is left, and is quiet afterwards', async () => {
    const iterator = from(make() as never).open()
    await iterator.next()
    expect(await iterator.return()).toEqual({ done: true, value: undefined })
    expect(await iterator.return()).toEqual({ done: true, value: undefined })
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
  })
})

describe('a ReadableStream', () => {
  it('that somebody else reads is refused with the way out', () => {
    const stream = streamOf('a')
    stream.getReader()
    expect(thrown(() => fromReadableStream(stream).open()).message).toMatch(
      /^The ReadableStream given as body is locked by another reader\. Give a function that returns a new one/,
    )
  })

  it('is cancelled once when it is left, also while a chunk is awaited', async () => {
    let cancels = 0
    const stream = new ReadableStream<Uint8Array>({
      cancel() {
        cancels++
        return new Promise(() => undefined)
      },
    })
    const iterator = fromReadableStream(stream).open()
    const pending = iterator.next()
    await iterator.return()
    await iterator.return()
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(cancels).toBe(1)
  })

  it('that fails makes next() fail, and its cancelling fails nobody', async () => {
    const iterator = fromReadableStream(
      new ReadableStream({
        pull() {
          throw new RangeError('disk')
        },
      }),
    ).open()
    expect(await reason(iterator.next())).toEqual(new RangeError('disk'))
    await expect(iterator.return()).resolves.toMatchObject({ done: true })
  })

  it('is cancelled when the call is over before it was opened', async () => {
    let cancelled = false
    const stream = new ReadableStream<Uint8Array>({
      cancel() {
        cancelled = true
      },
    })
    fromReadableStream(stream).discard?.()
    expect(cancelled).toBe(true)
    expect(fromReadableStream(stream).spent).toBe(true)
    const read = streamOf('a')
    const source = fromReadableStream(read)
    const iterator = source.open()
    source.discard?.()
    expect(await all(iterator)).toBe('a')
  })
})

describe('an async iterable', () => {
  it('is told to end at once while a next() is pending, exactly once', async () => {
    const iterable = stuck()
    const iterator = fromAsyncIterable(iterable).open()
    const pending = iterator.next()
    const left = iterator.return()
    expect(iterable.returned).toBe(1)
    expect(await pending).toEqual({ done: true, value: undefined })
    await left
    await iterator.return()
    expect(iterable.returned).toBe(1)
  })

  it('is not told to end when it has ended by itself, well or badly', async () => {
    const counted = (step: () => Promise<IteratorResult<Uint8Array>>): [AsyncIterable<Uint8Array>, () => number] => {
      let returned = 0
      const iterator = {
        next: step,
        return: () => {
          returned++
          return Promise.resolve({ done: true as const, value: undefined })
        },
      }
      return [{ [Symbol.asyncIterator]: () => iterator }, () => returned]
    }
    const [well, wellReturned] = counted(() => Promise.resolve({ done: true, value: undefined }))
    const first = fromAsyncIterable(well).open()
    await first.next()
    await first.return()
    expect(wellReturned()).toBe(0)
    const [badly, badlyReturned] = counted(() => Promise.reject(new Error('disk')))
    const second = fromAsyncIterable(badly).open()
    expect(await reason(second.next())).toEqual(new Error('disk'))
    await second.return()
    expect(badlyReturned()).toBe(0)
  })

  it.each<[string, () => never | Promise<never>]>([
    [
      'throws',
      () => {
        throw new Error('in return')
      },
    ],
    ['rejects', () => Promise.reject(new Error('in return'))],
    ['never settles', () => new Promise<never>(() => undefined)],
  ])('whose return() %s bothers nobody', async (_, leave) => {
    const iterator = fromAsyncIterable({
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined), return: leave }),
    }).open()
    await expect(iterator.return()).resolves.toMatchObject({ done: true })
  })

  it('whose next() throws at once fails like one that rejects', async () => {
    const iterator = fromAsyncIterable({
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw new Error('at once')
        },
      }),
    }).open()
    expect(await reason(iterator.next())).toEqual(new Error('at once'))
  })

  it('runs the finally of a generator that is left between two chunks', async () => {
    let closed = false
    const generator = (async function* (): AsyncGenerator<string> {
      try {
        yield 'a'
        yield 'b'
      } finally {
        closed = true
      }
    })()
    const iterator = fromAsyncIterable(generator).open()
    await iterator.next()
    await iterator.return()
    expect(closed).toBe(true)
  })

  it('is a stream of Node: destroyed at once though no chunk comes', async () => {
    const pipe = new PassThrough()
    const iterator = fromAsyncIterable(pipe).open()
    const pending = iterator.next()
    await iterator.return()
    expect(pipe.destroyed).toBe(true)
    expect(await pending).toEqual({ done: true, value: undefined })
  })

  it('is a stream of Node: one that fails before it is read crashes nothing, and it is listened to once', async () => {
    const file = createReadStream('/nowhere/at/all')
    const source = fromAsyncIterable(file)
    await expect.poll(() => file.destroyed).toBe(true)
    expect(await reason(source.open().next())).toMatchObject({ code: 'ENOENT' })
    const listeners = file.listenerCount('error')
    for (let n = 0; n < 20; n++) fromAsyncIterable(file).discard?.()
    expect(file.listenerCount('error')).toBe(listeners)
  })

  it('is a stream of Node: its file is closed when the call is over before it was opened', () => {
    const file = createReadStream(new URL(import.meta.url))
    fromAsyncIterable(file).discard?.()
    expect(file.destroyed).toBe(true)
  })
})

describe('an Observable', () => {
  it('is unsubscribed when it is left', async () => {
    const source = new Subject<Uint8Array>()
    const iterator = fromObservable(source).open()
    const pending = iterator.next()
    expect(source.observed).toBe(true)
    await iterator.return()
    expect(source.observed).toBe(false)
    expect(await pending).toEqual({ done: true, value: undefined })
  })

  it('is not subscribed to by a call that ends before it is sent', () => {
    const source = new Subject<Uint8Array>()
    fromObservable(source).discard?.()
    expect(source.observed).toBe(false)
    expect(fromObservable(source).spent).toBe(false)
  })
})

describe('a replayed source', () => {
  it('is made for every send, the first one beforehand', async () => {
    let made = 0
    const make = (): UploadSource => fromReadableStream(streamOf(`send ${++made}`))
    const source = replayed(make(), make)
    expect(source).toMatchObject({ length: undefined, replayable: true })
    expect([await all(source.open()), await all(source.open())]).toEqual(['send 1', 'send 2'])
    expect(made).toBe(2)
  })

  it('gives up the first one if it was never opened', async () => {
    const cancelled: number[] = []
    let made = 0
    const make = (): UploadSource => {
      const n = ++made
      return fromReadableStream(new ReadableStream({ cancel: () => void cancelled.push(n) }))
    }
    replayed(make(), make).discard?.()
    expect(cancelled).toEqual([1])
    const opened = replayed(make(), make)
    const iterator = opened.open()
    opened.discard?.()
    expect(cancelled).toEqual([1])
    await iterator.return()
    expect(cancelled).toEqual([1, 2])
  })
})

describe('spent', () => {
  it('says what would have worked', () => {
    expect(spent().message).toBe(
      'The body was sent once and cannot be produced again. Give a function that returns a new one, as in () => createReadStream(path).',
    )
  })
})
