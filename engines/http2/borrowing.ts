/** Sessions of an Agent of http2-wrapper that belongs to the user: its proxies, its pool, its TLS; streams of ours. */
import type { ClientHttp2Session, SecureClientSessionOptions } from 'node:http2'
import { isIP, Socket } from 'node:net'
import type { Agent } from 'http2-wrapper'
import type { ConnectListener } from '../connector/connecting.ts'
import {
  codeOf,
  lookupFailed,
  named,
  unreachable,
  type ConnectFailure,
  type ConnectPhase,
} from '../connector/failure.ts'
import { handshakeFailed } from '../connector/handshake-failure.ts'
import { ownOf } from '../connector/options.ts'
import { hostPort, type Target } from '../connector/target.ts'
import type { Preparing } from '../pool/attempt.ts'
import type { ConnectionOwner, PooledConnection } from '../pool/pooled.ts'
import type { Source } from '../pool/pools.ts'
import { Berth, Loan } from './berth.ts'
import type { Http2Exchange } from './exchange.ts'

/** Gives a berth for each request: which session it leads to is the agent's to say. */
export class Borrowing implements Source {
  readonly #agent: Agent
  readonly #streamWindow: number
  readonly #maxHeaderSize: number
  readonly #loans = new WeakMap<ClientHttp2Session, Loan>()
  readonly #given = new WeakMap<Socket, Loan>()

  constructor(agent: Agent, streamWindow: number, maxHeaderSize: number) {
    this.#agent = agent
    this.#streamWindow = streamWindow
    this.#maxHeaderSize = maxHeaderSize
  }

  prepare(target: Target, listener: ConnectListener): Preparing {
    let wanted = true
    const lend = (session: ClientHttp2Session): void => {
      if (!wanted) return
      wanted = false
      // The pool passes a socket on to whoever makes the connection; here it only stands for the session.
      const token = new Socket()
      const loan = this.#loanOf(session)
      this.#given.set(token, loan)
      listener.connected(token, loan.facts)
    }
    const fail = (error: unknown): void => {
      if (!wanted) return
      wanted = false
      listener.failed(failureOf(target, error))
    }
    return {
      phase: 'connect' satisfies ConnectPhase,
      start: () => {
        listener.phase('connect')
        queueMicrotask(() => {
          if (!wanted) return
          if (target.secure) this.#ask(target, lend, fail)
          else fail(new Error('an Agent of http2-wrapper speaks HTTP/2 over TLS only'))
        })
      },
      // The agent goes on; whoever is next has the session.
      destroy: () => {
        wanted = false
      },
      keepAlive: () => undefined,
    }
  }

  /** Makes a berth out of a session, as {@link Pools} want it. */
  readonly adopt = (
    id: number,
    _: Target,
    token: Socket,
    __: unknown,
    owner: ConnectionOwner<Http2Exchange>,
  ): PooledConnection<Http2Exchange> => {
    const loan = this.#given.get(token)
    if (loan === undefined) throw new Error('There is no session for this request.')
    return new Berth(id, loan, this.#maxHeaderSize, owner)
  }

  /** Both functions are called while the agent counts on a stream being opened at once. */
  #ask(target: Target, lend: (session: ClientHttp2Session) => void, fail: (error: unknown) => void): void {
    const options: SecureClientSessionOptions = ownOf({
      // With the window of http2-wrapper a paused answer takes 32 MiB.
      settings: { enablePush: false, initialWindowSize: this.#streamWindow },
    })
    // An address is not a name that may be asked for (RFC 6066 §3), which it would be.
    if (isIP(target.host) !== 0) options.servername = ''
    const listeners = [{ resolve: lend, reject: fail }]
    // Its types know one listener, its code a list of them.
    const asked = this.#agent.getSession(target.origin, options, listeners as never)
    asked.catch(fail)
  }

  #loanOf(session: ClientHttp2Session): Loan {
    const known = this.#loans.get(session)
    if (known !== undefined) return known
    const loan = new Loan(session, (this.#agent.constructor as { kGracefullyClosing?: symbol }).kGracefullyClosing)
    this.#loans.set(session, loan)
    return loan
  }
}

function failureOf(target: Target, cause: unknown): ConnectFailure {
  const code = codeOf(cause)
  const where = hostPort(target.host, target.port)
  const { syscall } = Object(cause) as { readonly syscall?: unknown }
  if (syscall === 'getaddrinfo') return lookupFailed(target.host, cause)
  if (syscall === 'connect') return unreachable(target, [{ address: where, cause }])
  if (HANDSHAKE.test(code)) return handshakeFailed(target, target.host, cause)
  const said = cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause)
  return {
    code: 'CONNECT',
    phase: 'connect',
    why: `the agent has no session with ${where}: ${said}${named(cause)}`,
    cause,
  }
}

const HANDSHAKE = /^(?:ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/
