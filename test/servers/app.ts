/** The application that stands behind real servers, and what clients of it are made of. */
import { createHash } from 'node:crypto'
import { reply, serve, type ServeOptions, type TestServer } from 'sluice/testing'

/** `/echo` answers what it is sent, `/count` how much that was and its hash, `/chunks` in pieces of no announced length, `/endless` never ends. */
export function app(options: ServeOptions = {}): Promise<TestServer> {
  return serve(
    {
      'POST /echo': async request => reply.text(await request.text()),
      'POST /count': async request => {
        const hash = createHash('sha256')
        let length = 0
        for await (const bytes of request.body) {
          hash.update(bytes)
          length += bytes.length
        }
        return reply.json({ length, hash: hash.digest('hex') })
      },
      'GET /chunks': reply.chunks(['one ', 'two ', 'three']),
      'GET /small': reply.text('small'),
      'GET /endless': reply.bytes(Infinity),
      'GET /slow': reply.text('late', { delay: 5000 }),
      'GET /cut': { body: 'x'.repeat(100_000), fault: { kind: 'reset', at: 'mid-body', bytes: 50_000 } },
    },
    { keepBody: 1024, ...options },
  )
}

/** A body that is made while it is sent: `count` pieces of 64 KiB. */
export class Made {
  readonly #count: number
  /** How many pieces were taken. */
  taken = 0
  /** How often it was ended, by whoever took it or by itself. */
  ended = 0
  readonly #hash = createHash('sha256')

  constructor(count: number) {
    this.#count = count
  }

  /** The hash of what was taken. */
  get hash(): string {
    return this.#hash.copy().digest('hex')
  }

  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      while (this.taken < this.#count) {
        const piece = new Uint8Array(65_536).fill(this.taken % 251)
        this.#hash.update(piece)
        this.taken++
        yield piece
      }
    } finally {
      this.ended++
    }
  }
}

/** Calls `work` with every number below `count`, some at a time, and answers with what it made. */
export async function parallel<T>(
  count: number,
  atATime: number,
  work: (number: number) => Promise<T>,
): Promise<readonly T[]> {
  const made: T[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < count) {
      const number = next++
      made[number] = await work(number)
    }
  }
  await Promise.all(Array.from({ length: atATime }, worker))
  return made
}
