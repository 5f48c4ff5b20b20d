import zlib from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ZstdFrames } from '../../../plugins/decode/zstd-frames.ts'
import { joined, pieces, sample } from './encoded.ts'

const { ZSTD_c_checksumFlag, ZSTD_c_contentSizeFlag, ZSTD_c_windowLog } = zlib.constants

const frame = fc
  .record({ size: fc.integer({ min: 0, max: 300_000 }), checksum: fc.nat(1), sized: fc.nat(1), zeros: fc.boolean() })
  .map(({ size, checksum, sized, zeros }) => {
    const params = { [ZSTD_c_checksumFlag]: checksum, [ZSTD_c_contentSizeFlag]: sized, [ZSTD_c_windowLog]: 17 }
    return new Uint8Array(zlib.zstdCompressSync(zeros ? new Uint8Array(size) : sample(size), { params }))
  })
const skippable = fc
  .tuple(fc.nat(15), fc.uint8Array({ maxLength: 300 }))
  .map(([kind, bytes]) =>
    joined(Uint8Array.of(0x50 + kind, 0x2a, 0x4d, 0x18, bytes.length & 255, bytes.length >> 8, 0, 0), bytes),
  )
const frames = fc.array(fc.oneof(frame, skippable), { minLength: 1, maxLength: 4 })

describe('frames of zstd', () => {
  it('are found wherever they end, in any pieces', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 70_000 }), (parts, size) => {
        const walk = new ZstdFrames()
        const ends: number[] = []
        let at = 0
        for (const chunk of pieces(joined(...parts), size)) {
          for (const [index, part] of walk.split(chunk).entries()) {
            if (index > 0) ends.push(at)
            at += part.length
          }
          if (walk.complete) ends.push(at)
        }
        let end = 0
        for (const part of parts) expect(ends).toContain((end += part.length))
        expect(walk.complete).toBe(true)
        expect(walk.trailing).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('are incomplete at every byte before their end', () => {
    const whole = new Uint8Array(zlib.zstdCompressSync(sample(2000), { params: { [ZSTD_c_checksumFlag]: 1 } }))
    for (let size = 1; size < whole.length; size++) {
      const walk = new ZstdFrames()
      walk.split(whole.slice(0, size))
      if (walk.complete) throw new Error(`complete after ${size} of ${whole.length}`)
    }
  })

  it('are told from what follows after them, and from what is no frame at all', () => {
    const whole = new Uint8Array(zlib.zstdCompressSync(sample(100)))
    const behind = new ZstdFrames()
    behind.split(joined(whole, new TextEncoder().encode('trailing')))
    expect([behind.complete, behind.trailing]).toEqual([false, true])
    const other = new ZstdFrames()
    expect(other.split(new TextEncoder().encode('something else'))).toHaveLength(1)
    expect([other.complete, other.trailing]).toEqual([false, false])
  })

  it('lose no byte, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 })), chunks => {
        const walk = new ZstdFrames()
        expect(joined(...chunks.flatMap(chunk => walk.split(chunk)))).toEqual(joined(...chunks))
      }),
    )
  })
})
