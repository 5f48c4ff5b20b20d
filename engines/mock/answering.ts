/** Answering: informational heads, the head, the body, the trailers. */
import { LIVE, type Flow } from '../../src/index.ts'
import { excess, promisedBy, truncated } from './failures.ts'
import { Playback } from './playback.ts'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

/** An answer on its way; as a flow it holds back the body. */
export class Answering implements Flow {
  readonly #stage: Stage
  #playback: Playback | undefined

  constructor(stage: Stage) {
    this.#stage = stage
  }

  begin(script: Script): void {
    const { informational, delay, fault } = script
    for (const { status, headers } of informational) {
      if (!this.#stage.emit({ type: 'informational', status, headers })) return
    }
    this.#stage.wait(delay, () => {
      if (fault === undefined || fault.at === 'body') this.#head(script)
      else this.#stage.strike(fault, script)
    })
  }

  pause(): void {
    const { recording, over } = this.#stage
    if (over || recording.paused) return
    recording.paused = true
    recording.pauses++
    this.#playback?.pause()
  }

  resume(): void {
    const { recording, over } = this.#stage
    if (over || !recording.paused) return
    recording.paused = false
    this.#playback?.resume()
  }

  #head(script: Script): void {
    const stage = this.#stage
    const { request, recording } = stage
    const { status, statusText, headers } = script
    recording.status = status
    stage.enter('body')
    const httpVersion = script.connection.protocol?.startsWith('h2') === true ? '2' : '1.1'
    const head = { status, statusText, headers, httpVersion, url: request.url, request } as const
    if (!stage.emit({ type: 'head', head, flow: this })) return
    if (request.method === 'HEAD' || status === 204 || status === 304) stage.complete()
    else this.#body(script)
  }

  #body(script: Script): void {
    const stage = this.#stage
    const { request, recording } = stage
    const { chunks, fault, bodyDelay, trailers } = script
    const promised = promisedBy(script)
    const playback = new Playback(stage, chunks, fault?.after, {
      chunk(bytes) {
        recording.delivered += bytes.length
        if (promised !== undefined && recording.delivered > promised) stage.fail(excess(request, promised))
        else stage.emit({ type: 'chunk', bytes })
      },
      struck() {
        if (fault !== undefined) stage.strike(fault, script)
      },
      whole() {
        if (promised !== undefined && recording.delivered < promised) {
          stage.fail(truncated(request, recording.delivered, promised))
        } else if (trailers === undefined || stage.emit({ type: 'trailers', headers: trailers })) stage.complete()
      },
      failed(error) {
        stage.fail(error)
      },
    })
    this.#playback = playback
    stage.onEnd(() => {
      playback.stop()
    })
    if (recording.paused) playback.pause()
    // Who reads a live body may leave at its head; only in another turn can the exchange be told so.
    playback.start(bodyDelay, request.read(LIVE) === true)
  }
}
