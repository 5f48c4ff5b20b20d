import { concat, EMPTY, NEVER, Observable, of, range, Subject, throwError, map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Backlog } from '../../src/backlog.ts'
import { reason } from './thrown.ts'

const MiB = 1024 * 1024

describe('Backlog', () => {
  it('keeps what was emitted before anybody asked, in order', async () => {
    const source = new Subject<Uint8Array | string>()
    const backlog = new Backlog(source)
    source.next(Uint8Array.of(1))
    source.next('a')
    source.complete()
    expect([await backlog.next(), await backlog.next(), await backlog.next()]).toEqual([
      { done: false, value: Uint8Array.of(1) },
      { done: false, value: Uint8Array.of(97) },
      { done: true, value: undefined },
    ])
  })

  it('waits for what is emitted later', async () => {
    const source = new Subject<Uint8Array>()
    const backlog = new Backlog(source)
    const pending = backlog.next()
    source.next(Uint8Array.of(1))
    expect(await pending).toEqual({ done: false, value: Uint8Array.of(1) })
    const end = backlog.next()
    source.complete()
    expect(await end).toEqual({ done: true, value: undefined })
  })

  it('gives out everything before an error', async () => {
    const backlog = new Backlog(
      concat(
        of('a'),
        throwError(() => new Error('sensor')),
      ),
    )
    expect(await backlog.next()).toMatchObject({ done: false })
    expect(await reason(backlog.next())).toEqual(new Error('sensor'))
  })

  it('passes on an error of undefined', async () => {
    const source = new Subject<string>()
    const backlog = new Backlog(source)
    // eslint-disable-next-line rxjs-x/throw-error -- what others throw is not up to us
    source.error(undefined)
    expect(await reason(backlog.next())).toBeUndefined()
  })

  it('fails for what is no bytes, and leaves the source', async () => {
    const source = new Subject<unknown>()
    const backlog = new Backlog(source)
    source.next(7)
    expect(source.observed).toBe(false)
    expect(await reason(backlog.next())).toBeInstanceOf(TypeError)
  })

  it('fails with TOO_LARGE when 64 MiB wait, forgets them and leaves the source', async () => {
    const source = new Subject<Uint8Array>()
    const backlog = new Backlog(source)
    const chunk = new Uint8Array(16 * MiB)
    for (let sent = 0; sent < 4; sent++) source.next(chunk)
    expect(source.observed).toBe(true)
    source.next(new Uint8Array(1))
    expect(source.observed).toBe(false)
    expect(await reason(backlog.next())).toMatchObject({ code: 'TOO_LARGE', phase: 'send' })
  })

  it('counts only what waits', async () => {
    const source = new Subject<Uint8Array>()
    const backlog = new Backlog(source)
    const chunk = new Uint8Array(32 * MiB)
    for (let sent = 0; sent < 4; sent++) {
      source.next(chunk)
      await backlog.next()
    }
    expect(source.observed).toBe(true)
    await backlog.return()
  })

  it('stops a source that emits without end while it is subscribed to', async () => {
    const chunk = new Uint8Array(16 * MiB)
    const backlog = new Backlog(range(0, Number.MAX_SAFE_INTEGER).pipe(map(() => chunk)))
    expect(await reason(backlog.next())).toMatchObject({ code: 'TOO_LARGE' })
  })

  it('takes an Observable of another copy of RxJS', async () => {
    const foreign = {
      '@@observable'() {
        return this
      },
      subscribe(observer: { next(value: string): void; complete(): void }) {
        observer.next('a')
        observer.complete()
        return { unsubscribe: () => undefined }
      },
    }
    const backlog = new Backlog(foreign as unknown as Observable<unknown>)
    expect(await backlog.next()).toMatchObject({ done: false })
  })

  it('ends at once when it is left, and runs the teardown of the source', async () => {
    let torn = 0
    const backlog = new Backlog(new Observable(() => () => torn++))
    const pending = backlog.next()
    await backlog.return()
    await backlog.return()
    expect(torn).toBe(1)
    expect(await pending).toEqual({ done: true, value: undefined })
  })

  it('is empty for an empty source and silent for a silent one', async () => {
    expect(await new Backlog(EMPTY).next()).toEqual({ done: true, value: undefined })
    const silent = new Backlog(NEVER)
    await silent.return()
    expect(await silent.next()).toEqual({ done: true, value: undefined })
  })
})
