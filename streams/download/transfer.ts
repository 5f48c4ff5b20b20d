/** One download: from what is left over of an earlier one, through whatever breaks, to a file under its name. */
import { createHash } from 'node:crypto'
import { Subscription, type Subscriber } from 'rxjs'
import { isHttpError, type Client, type HttpRequest, type ResponseHead, type Url } from '../../src/index.ts'
import type { Call } from '../again/asked.ts'
import { Content } from './content.ts'
import { diskFailed, Final, failed, StartOver } from './failures.ts'
import { Filling } from './filling.ts'
import type { DownloadEvent, Settled } from './options.ts'
import { checkPlace } from './part.ts'
import { Progress } from './progress.ts'
import type { Range } from './range.ts'

/** What was asked for. */
export interface Wanted {
  readonly client: Client
  readonly url: Url
  readonly file: string
  readonly options: Settled
  readonly call: Call
}

/** Runs one download. */
export class Transfer {
  readonly wanted: Wanted
  /** Everything that has to end when the download is left. */
  readonly running: Subscription = new Subscription()
  /** What is there of the file. */
  readonly content: Content
  readonly #out: Subscriber<DownloadEvent>
  readonly #progress: Progress
  #request: HttpRequest | undefined
  #startsOver = 0
  /** Begins to fill the other ranges, once. */
  #others: (() => void) | undefined

  constructor(wanted: Wanted, out: Subscriber<DownloadEvent>) {
    this.wanted = wanted
    this.content = new Content({ file: wanted.file, ...wanted.options })
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
      await this.content.inherit()
      while (!this.left && !(await this.#attempt()));
      // Whoever left while something was opened has left it to us.
      if (this.left) await this.content.leave(options.keep)
    } catch (error) {
      this.running.unsubscribe()
      await this.content.leave(options.keep)
      throw error instanceof Final ? error.error : error
    }
  }

  /** Ends it at once: whoever listened has left. */
  stop(): void {
    this.running.unsubscribe()
    void this.content.leave(this.wanted.options.keep)
  }

  get left(): boolean {
    return this.#out.closed
  }
  get request(): HttpRequest | undefined {
    return this.#request
  }

  tell(event: DownloadEvent): void {
    this.#out.next(event)
  }

  /** Completes the request of a range, with the headers that ask for it. */
  prepare(request: HttpRequest, range: Range): HttpRequest {
    const resource = resourceOf(request.url)
    const { content } = this
    if (content.isOfOther(resource)) content.drop(range)
    this.#request = request
    const { what, single } = content
    const plain = request.headers.has('accept-encoding') ? request : request.header('accept-encoding', 'identity')
    if (what === undefined || (range.at === 0 && single)) return plain
    const end = single ? '' : String((range.end ?? what.total) - 1)
    return plain.header('range', `bytes=${range.at}-${end}`).header('if-range', what.validator)
  }

  /** A whole answer begins: what is there makes way for it. */
  async begin(head: ResponseHead, range: Range): Promise<void> {
    const { ranges } = this.wanted.options
    const resource = resourceOf(this.#request?.url ?? head.url)
    this.#progress.reset()
    // What has changed while it came in several ranges comes in one.
    const most = this.#startsOver === 0 ? ranges : 1
    await this.disk(() => this.content.begin(head, resource, most, range, () => this.left))
  }

  /** A range goes on where it was: the others can, too. */
  admitted(): void {
    this.#others?.()
    this.#others = undefined
  }

  /** Writes bytes where they belong. */
  async write(bytes: Uint8Array, range: Range): Promise<void> {
    const written = await this.disk(() => this.content.write(bytes, range))
    if (written && !this.left) this.#progress.of(this.content.ranges)
  }

  /** Works on the disk; what that throws is the download's error, whatever the network does. */
  async disk<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new Final(isHttpError(error) ? error : diskFailed(this.#request, this.wanted.file, error))
    }
  }

  /** Begins anew in an empty file. */
  startOver(because: string, range: Range): void {
    const dropped = this.content.loaded
    const { times } = this.wanted.options
    if (this.#startsOver++ >= times) {
      throw new Final(failed(this.#request, `could not be kept after starting over ${times} times: ${because}`))
    }
    this.content.drop(range)
    this.#progress.reset()
    this.tell({ type: 'restarted', dropped, because })
  }

  /** Fills all ranges and names the file; false when that has to begin anew. */
  async #attempt(): Promise<boolean> {
    const { first } = this.content
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
        const missing = this.content.ranges.filter(range => range !== first && !range.isFull())
        Promise.all(missing.map(fill)).then(others.resolve, others.reject)
      }
      await Promise.race([
        fill(first).then(() => (this.content.single ? undefined : others.promise)),
        failing(others.promise),
      ])
    } finally {
      this.#others = undefined
      filling.unsubscribe()
    }
  }

  async #finish(first: Range): Promise<void> {
    const { file, options } = this.wanted
    const { content } = this
    this.#progress.of(content.ranges, true)
    const { sha256, verified, contradiction } = await this.disk(() => content.judge())
    if (this.left) return
    if (contradiction !== undefined) {
      // What an earlier run left may be at fault, as after a loss of power.
      if (content.inherited) throw new StartOver('what was left over does not fit its digest')
      content.drop(first)
      throw failed(this.#request, contradiction)
    }
    const size = content.total ?? 0
    await this.disk(() => content.name(options.overwrite))
    this.tell({ type: 'done', file, size, sha256, verified })
  }
}

/** The url that bytes come from, without what is secret in it. */
function resourceOf(url: string): string {
  return createHash('sha256').update(url).digest('hex')
}

/** Only the failure of work that somebody else waits for. */
function failing(work: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => {
    work.catch(reject)
  })
}
