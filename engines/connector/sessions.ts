/** TLS sessions of earlier connections, by which a new one gets through the handshake sooner. */

/** How many servers a session is kept for; the one used longest ago goes first. */
const MOST = 256

/** A session, and whose it is: the certificate is not shown again when it is resumed. */
export interface KnownSession {
  readonly session: Buffer
  readonly fingerprint: string | undefined
}

/** Keeps the newest session of each server, for one TLS configuration. */
export class TlsSessions {
  readonly #sessions = new Map<string, KnownSession>()

  get(server: string): KnownSession | undefined {
    const session = this.#sessions.get(server)
    if (session === undefined) return undefined
    this.#sessions.delete(server)
    this.#sessions.set(server, session)
    return session
  }

  set(server: string, session: KnownSession): void {
    this.#sessions.delete(server)
    this.#sessions.set(server, session)
    if (this.#sessions.size <= MOST) return
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest)
      break
    }
  }

  /** Forgets a session with which a handshake did not succeed. */
  delete(server: string): void {
    this.#sessions.delete(server)
  }
}
