/** What comes in: decoded, checked, worked on, and held back while there is enough to do. */
import { from, Subscription } from 'rxjs'
import { describe, HttpError, type Flow, type HttpErrorDetails, type HttpRequest } from '../../src/index.ts'
import { checked, type Checked } from './checked.ts'
import type { Settings } from './options.ts'

/** What is done with messages once they are read. */
export interface IntakeObserver {
  next(value: unknown): void
  /** A message that is none, or a projector that failed: nothing more comes. */
  failed(error: unknown, blame: 'message' | 'projector'): void
  /** Holding back began or ended. */
  held(held: boolean): void
}

/** Where messages come from. */
interface Source {
  readonly flow: Flow
  readonly request: HttpRequest
}

/**
 * Takes messages of one connection after the other: what is done with a message goes on when the connection it came over has
 * ended.
 */
export class Intake {
  readonly #settings: Pick<Settings, 'codec' | 'schema' | 'project' | 'concurrency'>
  readonly #observer: IntakeObserver
  readonly #running = new Subscription()
  #source: Source | undefined
  #count = 0
  #index = 0
  #active = 0
  #checking = false
  #held = false
  /** Nothing more is taken, but what was goes on. */
  #deaf = false
  #over = false
  #onIdle: (() => void) | undefined

  constructor(settings: Pick<Settings, 'codec' | 'schema' | 'project' | 'concurrency'>, observer: IntakeObserver) {
    this.#settings = settings
    this.#observer = observer
  }

  get held(): boolean {
    return this.#held
  }

  /** Messages come from there now. */
  attach(flow: Flow, request: HttpRequest): void {
    this.#source = { flow, request }
    this.#deaf = this.#over
    if (this.#held) flow.pause()
  }

  /** Nothing comes any more, or not for now. */
  detach(): void {
    this.#source = undefined
  }

  message(data: string | Uint8Array): void {
    const source = this.#source
    if (this.#deaf || source === undefined) return
    this.#count++
    const { codec, schema } = this.#settings
    let message: unknown
    try {
      message = codec.decode(data)
    } catch (cause) {
      this.#refuse(source, 'cannot be decoded', { cause })
      return
    }
    if (schema === undefined) {
      this.#handOn(message)
      return
    }
    const answer = checked(schema, message)
    if (answer instanceof Promise) this.#await(answer, source)
    else this.#judge(answer, source)
  }

  /** Calls back once nothing is being done with messages, which may be at once. */
  whenIdle(work: () => void): void {
    if (this.#over || (this.#active === 0 && !this.#checking)) work()
    else this.#onIdle = work
  }

  /** Drops everything. */
  stop(): void {
    this.#over = true
    this.#deaf = true
    this.#onIdle = undefined
    this.#source = undefined
    this.#running.unsubscribe()
  }

  #judge(answer: Checked, source: Source): void {
    if (answer.fits) this.#handOn(answer.value)
    else this.#refuse(source, answer.what, answer.details)
  }

  /** The next message must not overtake this one. */
  #await(late: Promise<Checked>, source: Source): void {
    this.#checking = true
    this.#hold()
    void late.then(answer => {
      if (this.#over) return
      this.#checking = false
      this.#judge(answer, source)
      this.#hold()
      this.#settle()
    })
  }

  #handOn(message: unknown): void {
    const { project } = this.#settings
    if (project === undefined) this.#observer.next(message)
    else this.#project(project, message)
  }

  #project(project: NonNullable<Settings['project']>, message: unknown): void {
    let inner: Subscription | undefined
    this.#active++
    const done = (): void => {
      this.#active--
      if (inner !== undefined) this.#running.remove(inner)
      this.#hold()
      this.#settle()
    }
    const failed = (error: unknown): void => {
      if (!this.#over) this.#observer.failed(error, 'projector')
    }
    try {
      inner = new Subscription()
      this.#running.add(inner)
      inner.add(
        from(project(message, this.#index++)).subscribe({
          next: value => {
            if (!this.#over) this.#observer.next(value)
          },
          error: failed,
          complete: done,
        }),
      )
    } catch (error) {
      failed(error)
    }
    this.#hold()
  }

  #refuse({ request }: Source, what: string, details: HttpErrorDetails): void {
    const { attempt } = request
    // Never the message itself: it may be a secret, and errors are logged.
    const sentence = `Message ${this.#count} over the WebSocket of ${describe(request, attempt)} ${what}.`
    this.#deaf = true
    this.#observer.failed(
      new HttpError('BODY', sentence, { phase: 'decode', request, attempt, requestWritten: 'yes', ...details }),
      'message',
    )
  }

  #hold(): void {
    const held = this.#checking || (this.#settings.project !== undefined && this.#active >= this.#settings.concurrency)
    if (held === this.#held || this.#over) return
    this.#held = held
    this.#observer.held(held)
    if (held) this.#source?.flow.pause()
    else this.#source?.flow.resume()
  }

  #settle(): void {
    if (this.#active > 0 || this.#checking) return
    const work = this.#onIdle
    this.#onIdle = undefined
    work?.()
  }
}
