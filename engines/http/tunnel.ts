/** One tunnel through a proxy, opened by hpagent, with what that leaves open closed. */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectFailure } from '../connector/failure.ts'
import { proxyFailed } from '../connector/proxy/failure.ts'
import { hostPort, type Target } from '../connector/target.ts'
import { readRefused } from './refused.ts'
import type { TunnelAgent } from './tunnel-agent.ts'
import { tunnelFailed } from './tunnel-failure.ts'

/** Hears what becomes of a tunnel, once, and never while it is made. */
export interface TunnelListener {
  opened(socket: Socket): void
  failed(failure: ConnectFailure): void
}

/**
 * A tunnel on its way. Left to itself hpagent cannot be called off, tells no more of an answer than its status, throws away
 * what comes behind a success, and takes the listeners of Node itself off the socket.
 */
export class Tunnel {
  readonly #agent: TunnelAgent
  readonly #authority: string
  readonly #listener: TunnelListener
  readonly #request: ClientRequest | undefined
  #over = false
  #giveBack: (() => void) | undefined
  #stopReading: (() => void) | undefined

  constructor(agent: TunnelAgent, target: Target, listener: TunnelListener) {
    this.#agent = agent
    this.#authority = hostPort(target.host, target.port)
    this.#listener = listener
    try {
      const request = agent.ask(target, (error, socket) => {
        this.#answered(error, socket)
      })
      this.#request = request
      const [theirs] = request.listeners('connect')
      request.removeAllListeners('connect')
      request.once('connect', (response, socket, begun) => {
        this.#judge(response, socket, begun, () => {
          theirs?.call(request, response, socket, begun)
        })
      })
    } catch (error) {
      queueMicrotask(() => {
        this.#failed(error)
      })
    }
  }

  /** Calls it off: its socket is closed at once, and nothing more is heard. */
  destroy(): void {
    this.#over = true
    this.#stopReading?.()
    for (const socket of this.#sockets) socket.destroy()
    this.#request?.destroy()
  }

  /** Whether the process stays alive until it is through. */
  keepAlive(wanted: boolean): void {
    for (const socket of this.#sockets) {
      if (wanted) socket.ref()
      else socket.unref()
    }
  }

  /** Those of the agent that Node makes for a request which has none: there is one, and in its first moment only there. */
  get #sockets(): Socket[] {
    const { agent } = Object(this.#request) as { agent?: { sockets: Record<string, Socket[]> } }
    return Object.values(agent?.sockets ?? {}).flat()
  }

  #judge(response: IncomingMessage, socket: Socket, begun: Buffer, open: () => void): void {
    if (this.#over) {
      socket.destroy()
      return
    }
    const { hop } = this.#agent
    const { statusCode: status = 0 } = response
    if (status === 101) {
      socket.destroy()
      this.#fail(proxyFailed(hop, 'answered with something that is not HTTP/1.1'))
    } else if (!opens(status)) {
      this.#stopReading = readRefused(hop, response, this.#authority, socket, begun, failure => {
        this.#fail(failure)
      })
    } else if (begun.length > 0) {
      // Nobody at the other end has been spoken to: what is there was made up on the way.
      socket.destroy()
      this.#fail(proxyFailed(hop, `sent ${begun.length} bytes behind the head that opens the tunnel`))
    } else {
      // Any 2xx opens a tunnel (RFC 9110 §9.3.6); hpagent knows one of them.
      response.statusCode = 200
      const listeners = socket.eventNames().map(name => [name, socket.rawListeners(name)] as const)
      this.#giveBack = () => {
        for (const [name, list] of listeners) for (const one of list) socket.on(name as string, one as () => void)
      }
      open()
    }
  }

  /** hpagent is through. It has stopped listening to anything. */
  #answered(error: unknown, socket: Socket | null | undefined): void {
    // An error nobody waits for any more is not thrown.
    this.#request?.on('error', () => undefined)
    this.#giveBack?.()
    if (!(socket instanceof Object)) this.#failed(error)
    else if (this.#over) socket.destroy()
    else {
      this.#over = true
      this.#listener.opened(socket)
    }
  }

  #failed(error: unknown): void {
    this.#fail(tunnelFailed(this.#agent.hop, this.#agent.servername, error))
  }

  #fail(failure: ConnectFailure): void {
    if (this.#over) return
    this.#over = true
    this.#listener.failed(failure)
  }
}

/** 204 and 205 say that nothing follows, which is no way to open anything. */
function opens(status: number): boolean {
  return status >= 200 && status < 300 && status !== 204 && status !== 205
}
