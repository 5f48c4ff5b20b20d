/** Answering: informational heads, the head, the body, the trailers. */
import { LIVE, type Flow } from '../../src/index.ts'
import { protocolFault } from '../web-socket/faults.ts'
import { wishOf } from '../web-socket/wish.ts'
import { excess, mistake, promisedBy, socketFailed, truncated } from './failures.ts'
import { Playback } from './playback.ts'
import type { Script } from './script.ts'
import { MockConnection } from './socket.ts'
import type { Stage } from './stage.ts'

/** An answer on its way; as a flow it holds back the body. */
export class Answering implements Flow {
  readonly #stage: Stage
  #playback: Playback | undefined
  #socket: MockConnection | undefined

  constructor(stage: Stage) {
    this.#stage = stage
  }

  begin(script: Script): void {
    const { informational, delay, fault } = script
    for (const { status, headers } of informational) {
      if (!this.#stage.emit({ type: 'informational', status, headers })) return
    }
    this.#stage.wait(delay, () => {
      if (script.webSocket !== undefined && fault === undefined) this.#agree(script, script.webSocket)
      else if (fault === undefined || fault.at === 'body') this.#head(script)
      else this.#stage.strike(fault, script)
    })
  }

  pause(): void {
    this.#socket?.pause()
    const { recording, over } = this.#stage
    if (over || recording.paused) return
    recording.paused = true
    recording.pauses++
    this.#playback?.pause()
  }

  resume(): void {
    this.#socket?.resume()
    const { recording, over } = this.#stage
    if (over || !recording.paused) return
    recording.paused = false
    this.#playback?.resume()
  }

  #agree(script: Script, plan: NonNullable<Script['webSocket']>): void {
    const stage = this.#stage
    const { request, recording } = stage
    const { status, statusText, headers, readDelay } = script
    const wish = wishOf(request)
    if (wish === undefined) {
      stage.fail(mistake(request, 'it asks for no WebSocket, so no server can agree to one'))
      return
    }
    const protocol = headers.get('sec-websocket-protocol') ?? ''
    const fault = protocolFault(protocol, wish.protocols)
    if (fault !== undefined) {
      stage.fail(socketFailed(fault, request))
      return
    }
    recording.status = status
    stage.enter('body')
    const socket = new MockConnection(stage, wish, { protocol, compressed: wish.compress, readDelay })
    this.#socket = socket
    const head = { status, statusText, headers, httpVersion: '1.1', url: request.url, request } as const
    if (stage.emit({ type: 'head', head, flow: socket, socket })) socket.begin(plan)
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
