/** One download: from what is left over of an earlier one, through whatever breaks, to a file under its name. */
import { createHash } from 'node:crypto'
import { Subscription, type Subscriber } from 'rxjs'
import type { Client, HttpRequest, ResponseHead, StreamingResponse, Url } from '../../src/index.ts'
import { Verification } from './digest.ts'
import { diskFailed, Final, failed, StartOver } from './failures.ts'
import { Filling } from './filling.ts'
import type { Call, DownloadEvent, Settled } from './options.ts'
import { continuable, lengthOf, offersRanges, type Representation } from './partial.ts'
import { checkPlace, Part } from './part.ts'
import { Progress } from './progress.ts'
import { cut, Range } from './range.ts'

/** What was asked for. */
export interface Wanted {
  readonly client: Client
  readonly url: Url
  readonly file: string
  readonly options: Settled
  readonly call: Call
}

/** After so many bytes, how far several ranges have come is written down. */
const SAVED_EVERY = 8 * 1024 * 1024

/** Runs one download. */
export class Transfer {
  readonly wanted: Wanted
  /** Everything that has to end when the download is left. */
  readonly running: Subscription = new Subscription()
  readonly #out: Subscriber<DownloadEvent>
  readonly #progress: Progress
  #part: Part | undefined
  #what: Representation | undefined
  #ranges: readonly Range[] = [new Range()]
  #verification: Verification
  #request: HttpRequest | undefined
  #unsaved = 0
  #startsOver = 0
  /** True while what an earlier run left is in the file: nobody has seen those bytes come. */
  #inherited = false
  /** Begins to fill the other ranges, once. */
  #others: (() => void) | undefined

  constructor(wanted: Wanted, out: Subscriber<DownloadEvent>) {
    this.wanted = wanted
    this.#verification = new Verification(wanted.options.verify)
    this.#out = out
    this.#progress = new Progress(wanted.options.interval, event => {
      this.tell(event)
    })
  }

  /** Downloads. Rejects with the call's error, when nothing is left behind that should not be. */
  async run(): Promise<void> {
    const { file, options } = this.wanted
    try {
      await checkPlace(file, options.overwrite)
      await this.#inherit()
      while (!(await this.#attempt()));
    } catch (error) {
      this.running.unsubscribe()
      await this.#leave()
      throw error instanceof Final ? error.error : error
    }
  }

  /** Ends it at once: whoever listened has left. */
  stop(): void {
    this.running.unsubscribe()
    void this.#leave()
  }

  get left(): boolean {
    return this.#out.closed
  }
  get what(): Representation | undefined {
    return this.#what
  }
  get total(): number | undefined {
    return this.#ranges.at(-1)?.end
  }
  get loaded(): number {
    return this.#ranges.reduce((sum, range) => sum + range.loaded, 0)
  }
  get single(): boolean {
    return this.#ranges.length === 1
  }
  get request(): HttpRequest | undefined {
    return this.#request
  }

  tell(event: DownloadEvent): void {
    this.#out.next(event)
  }

  /** Completes the request of a range, with the headers that ask for it. */
  prepare(request: HttpRequest, range: Range): HttpRequest {
    const resource = createHash('sha256').update(request.url).digest('hex')
    if (this.#part !== undefined && this.#part.resource !== resource) this.#dropPart(range)
    this.#request = request
    const what = this.#what
    const plain = request.headers.has('accept-encoding') ? request : request.header('accept-encoding', 'identity')
    if (what === undefined || (range.at === 0 && this.single)) return plain
    const end = this.single ? '' : String((range.end ?? what.total) - 1)
    return plain.header('range', `bytes=${range.at}-${end}`).header('if-range', what.validator)
  }

  /** A whole answer begins: what is there makes way for it. */
  async begin(head: ResponseHead, range: Range): Promise<void> {
    const { file, options } = this.wanted
    const request = this.#request
    const resource = createHash('sha256')
      .update(request?.url ?? head.url)
      .digest('hex')
    this.#dropPart(range)
    const part = await this.disk(() => Part.create(file, resource, options.mode))
    if (this.left) {
      part.remove()
      return
    }
    this.#part = part
    this.#what = continuable(head)
    range.end = lengthOf(head)
    this.hear(head, true)
    const several = options.ranges > 1 && this.#startsOver === 0 && this.#what !== undefined && offersRanges(head)
    if (several) {
      const [first, ...others] = cut(this.#what?.total ?? 0, options.ranges)
      range.end = first?.end
      this.#ranges = [range, ...others]
    }
    await this.disk(() => {
      part.save(this.#what, this.#ranges)
    })
  }

  /** A range goes on where it was: the others can, too. */
  admitted(): void {
    this.#others?.()
    this.#others = undefined
  }

  /** Takes note of what the server says of the file. */
  hear(answer: Pick<ResponseHead | StreamingResponse, 'headers'>, whole: boolean): void {
    this.#verification.hear(answer.headers, whole)
  }

  /** Writes bytes where they belong. */
  async write(bytes: Uint8Array, range: Range): Promise<void> {
    const part = this.#part
    if (part === undefined) return
    await this.disk(() => part.write(bytes, range.at))
    if (this.left || part !== this.#part) return
    this.#verification.update(bytes, range.at)
    range.at += bytes.length
    this.#unsaved += bytes.length
    if (!this.single && this.#unsaved >= SAVED_EVERY) {
      this.#unsaved = 0
      part.save(this.#what, this.#ranges)
    }
    this.#progress.of(this.#ranges)
  }

  /** Works on the disk; what that throws is the download's error, whatever the network does. */
  async disk<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new Final(diskFailed(this.#request, this.wanted.file, error))
    }
  }

  /** Begins anew in an empty file. */
  startOver(because: string, range: Range): void {
    const dropped = this.loaded
    const { times } = this.wanted.options
    if (this.#startsOver++ >= times) {
      throw new Final(failed(this.#request, `could not be kept after starting over ${times} times: ${because}`))
    }
    this.#dropPart(range)
    this.tell({ type: 'restarted', dropped, because })
  }

  async #inherit(): Promise<void> {
    const over = await Part.leftOver(this.wanted.file)
    if (over === undefined) return
    this.#part = over.part
    this.#what = over.what
    this.#ranges = over.ranges
    this.#inherited = true
    // Whether the server still has the same is asked in any case.
    const last = over.ranges.at(-1)
    if (last !== undefined && over.ranges.every(range => range.isFull())) last.at -= 1
  }

  /** Fills all ranges and names the file; false when that has to begin anew. */
  async #attempt(): Promise<boolean> {
    const first = this.#ranges.find(range => !range.isFull()) ?? this.#ranges[0] ?? new Range()
    try {
      await this.#fill(first)
      if (!this.left) await this.#finish(first)
      return true
    } catch (error) {
      if (!(error instanceof StartOver)) throw error
      this.startOver(error.because, first)
      return this.left
    }
  }

  /** Fills the first range, and the others as soon as it is known that they can be. Fails with the first that fails. */
  async #fill(first: Range): Promise<void> {
    const filling = new Subscription()
    this.running.add(filling)
    try {
      const fill = (range: Range): Promise<void> => new Filling(this, range, filling).run()
      const others = Promise.withResolvers<unknown>()
      this.#others = () => {
        const missing = this.#ranges.filter(range => range !== first && !range.isFull())
        Promise.all(missing.map(fill)).then(others.resolve, others.reject)
      }
      await Promise.race([fill(first).then(() => (this.single ? undefined : others.promise)), failing(others.promise)])
    } finally {
      this.#others = undefined
      filling.unsubscribe()
    }
  }

  async #finish(first: Range): Promise<void> {
    const { file, options } = this.wanted
    const part = this.#part
    const size = this.total ?? 0
    if (part === undefined) return
    this.#progress.of(this.#ranges, true)
    const { sha256, verified, contradiction } = await this.disk(() =>
      this.#verification.judge(size, () => part.bytes()),
    )
    if (this.left) return
    if (contradiction !== undefined) {
      // What an earlier run left may be at fault, as after a loss of power.
      if (this.#inherited) throw new StartOver('what was left over does not fit its digest')
      this.#dropPart(first)
      throw failed(this.#request, contradiction)
    }
    await this.disk(() => part.place(options.overwrite))
    this.#part = undefined
    this.tell({ type: 'done', file, size, sha256, verified })
  }

  /** Leaves nothing behind, or what a later run can go on with. */
  async #leave(): Promise<void> {
    const part = this.#part
    this.#part = undefined
    if (part === undefined) return
    if (this.wanted.options.keep && part.isOfUse && this.loaded > 0) {
      try {
        part.save(this.#what, this.#ranges)
      } catch {
        // A later run begins where it was written down last.
      }
      await part.close()
    } else part.remove()
    await part.close()
  }

  #dropPart(range: Range): void {
    this.#part?.remove()
    this.#part = undefined
    this.#what = undefined
    this.#inherited = false
    this.#unsaved = 0
    this.#verification = new Verification(this.wanted.options.verify)
    this.#progress.reset()
    Object.assign(range, { start: 0, at: 0, end: undefined })
    this.#ranges = [range]
  }
}

/** Only the failure of work that somebody else waits for. */
function failing(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    work.catch(reject)
  })
}
