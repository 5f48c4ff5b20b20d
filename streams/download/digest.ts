/** Digests: what a file must be, and what it is. */
import { createHash, type Hash } from 'node:crypto'
import type { HttpHeaders } from '../../src/index.ts'

/** The algorithms of RFC 9530 that are good for something. */
type Algorithm = 'sha-256' | 'sha-512'

const LENGTHS: Readonly<Record<Algorithm, number>> = { 'sha-256': 32, 'sha-512': 64 }

/** What is compared: nothing, what the server says, or what the caller says, too. */
export type Verify = { readonly sha256?: string | undefined; readonly sha512?: string | undefined } | boolean

/** Reads a digest of so many bytes, hex or base64, as hex; `undefined` for anything else. */
export function toHex(text: string, bytes: number): string | undefined {
  if (new RegExp(`^[0-9a-f]{${bytes * 2}}$`, 'i').test(text)) return text.toLowerCase()
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  const read = Buffer.from(text, 'base64')
  return read.length === bytes ? read.toString('hex') : undefined
}

/** What was found of a file. */
export interface Verdict {
  readonly sha256: string
  /** What it was compared with. */
  readonly verified: readonly string[]
  /** What does not fit, in a sentence's middle. */
  readonly contradiction: string | undefined
}

/** Compares a file with what it must be, as far as somebody said so. */
export class Verification {
  readonly #verify: Verify
  readonly #wanted: { readonly algorithm: Algorithm; readonly hex: string; readonly who: string }[] = []
  readonly #hash: Hash = createHash('sha256')
  /** How many bytes were hashed while they came in their order; unknown when they did not. */
  #hashed: number | undefined = 0

  constructor(verify: Verify) {
    this.#verify = verify
    if (typeof verify !== 'object') return
    this.#want('sha-256', verify.sha256, 'the caller')
    this.#want('sha-512', verify.sha512, 'the caller')
  }

  /**
   * Takes note of what a server says: `Repr-Digest` of the file, and `Content-Digest` of a body that is the whole file (RFC 9530 §2,
   * §3). Algorithms that are broken or unknown say nothing.
   */
  hear(headers: HttpHeaders, whole: boolean): void {
    if (this.#verify === false) return
    const fields = [headers.get('repr-digest'), whole ? headers.get('content-digest') : undefined]
    for (const field of fields) {
      for (const [, name, text] of (field ?? '').matchAll(/(?:^|,)[ \t]*([a-z*][\w\-.*]*)=:([A-Za-z0-9+/=]*):/g)) {
        if (name === 'sha-256' || name === 'sha-512') this.#want(name, text, 'the server')
      }
    }
  }

  /** Hashes bytes while they are written. */
  update(bytes: Uint8Array, at: number): void {
    if (at === this.#hashed) {
      this.#hash.update(bytes)
      this.#hashed += bytes.length
    } else this.#hashed = undefined
  }

  /** Looks at a file of `size` bytes; reads it again where that is needed. Asked once. */
  async judge(size: number, read: () => AsyncIterable<Uint8Array>): Promise<Verdict> {
    const algorithms = new Set(this.#wanted.map(({ algorithm }) => algorithm))
    const seen = this.#hashed === size && !algorithms.has('sha-512')
    const found = seen ? new Map([['sha-256', this.#hash.digest('hex')]]) : await digestsOf(read(), algorithms)
    const wrong = this.#wanted.find(({ algorithm, hex }) => found.get(algorithm) !== hex)
    const contradiction =
      wrong &&
      `has the ${wrong.algorithm} ${found.get(wrong.algorithm) ?? ''} and not ${wrong.hex}, as ${wrong.who} said`
    return { sha256: found.get('sha-256') ?? '', verified: [...algorithms], contradiction }
  }

  #want(algorithm: Algorithm, text: string | undefined, who: string): void {
    const hex = toHex(text ?? '', LENGTHS[algorithm])
    if (hex !== undefined) this.#wanted.push({ algorithm, hex, who })
  }
}

async function digestsOf(
  pieces: AsyncIterable<Uint8Array>,
  algorithms: ReadonlySet<Algorithm>,
): Promise<ReadonlyMap<string, string>> {
  const hashes = [...new Set<Algorithm>(['sha-256', ...algorithms])].map(
    name => [name, createHash(name.replace('-', ''))] as const,
  )
  for await (const piece of pieces) for (const [, hash] of hashes) hash.update(piece)
  return new Map(hashes.map(([name, hash]) => [name, hash.digest('hex')]))
}
