import { describe, expect, it } from 'vitest'
import { Pull, toBytes } from '../../src/pull.ts'
import { reason } from './thrown.ts'

describe('Pull', () => {
  const chunk = { done: false, value: Uint8Array.of(1) }
  const end = { done: true, value: undefined }

  it('pulls one chunk for each that is asked for', async () => {
    let pulled = 0
    const pull = new Pull(
      () => Promise.resolve(++pulled < 3 ? chunk : end),
      () => undefined,
    )
    expect(pulled).toBe(0)
    expect(await pull.next()).toEqual(chunk)
    expect(pulled).toBe(1)
    expect([await pull.next(), await pull.next(), await pull.next()]).toEqual([chunk, end, end])
    expect(pulled).toBe(3)
  })

  it('stops its source once, however often and whenever it is left', async () => {
    let stopped = 0
    const pull = new Pull(
      () => new Promise(() => undefined),
      () => stopped++,
    )
    const pending = pull.next()
    await Promise.all([pull.return(), pull.return()])
    expect([await pending, await pull.next()]).toEqual([end, end])
    expect(stopped).toBe(1)
  })

  it('does not stop a source that has ended or failed by itself', async () => {
    let stopped = 0
    const ended = new Pull(
      () => Promise.resolve(end),
      () => stopped++,
    )
    await ended.next()
    await ended.return()
    const failed = new Pull(
      () => Promise.reject(new Error('disk')),
      () => stopped++,
    )
    expect(await reason(failed.next())).toEqual(new Error('disk'))
    await failed.return()
    expect(stopped).toBe(0)
  })

  it('stops a source that gives what is no bytes', async () => {
    let stopped = 0
    const pull = new Pull(
      () => Promise.resolve({ done: false, value: 7 }),
      () => stopped++,
    )
    expect(await reason(pull.next())).toBeInstanceOf(TypeError)
    await pull.return()
    expect(stopped).toBe(1)
  })
})

describe('toBytes', () => {
  it.each<[unknown, number[]]>([
    [Uint8Array.of(1, 2), [1, 2]],
    ['ä', [0xc3, 0xa4]],
    [Buffer.from('a'), [97]],
    [new DataView(Uint8Array.of(1, 2, 3).buffer, 1, 1), [2]],
    [Uint16Array.of(0x0201), [1, 2]],
    [Uint8Array.of(1, 2).buffer, [1, 2]],
  ])('takes %o', (chunk, expected) => {
    expect([...toBytes(chunk)]).toEqual(expected)
  })

  it.each([[undefined], [null], [7], [{}], [[1, 2]], [Symbol('x')], [() => 'x']])('refuses %o', chunk => {
    expect(() => toBytes(chunk)).toThrow(TypeError)
    expect(() => toBytes(chunk)).toThrow(/^A body source produced .+ where bytes or text were expected\.$/)
  })
})
