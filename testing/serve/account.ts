/** What reached the wire: a list of connections, a list of requests, and everything that went wrong. */

/** What the server knows of one connection. It is kept up to date while the connection lives. */
export interface ConnectionAccount {
  /** Counts from 1 in the order of accepting. */
  readonly id: number
  /** The client's port. */
  readonly port: number | undefined
  /** Whether the socket still exists on the server's side. */
  readonly open: boolean
  /** When the connection was accepted, in milliseconds of `performance.now()`. */
  readonly openedAt: number
  /** When the socket was closed, on the same clock. */
  readonly closedAt: number | undefined
  /**
   * Who was first to end the connection. A FIN of the client is told apart from a RST, except on Node 22 during the TLS
   * handshake, where a RST right behind some bytes passes for a FIN.
   */
  readonly closedBy: 'client-fin' | 'client-reset' | 'server' | undefined
  /** How many request heads arrived on it. */
  readonly requests: number
  /** Whether the server reads what comes; not after `read: 'none'` and a stall at `body-of-request`, until `resume()`. */
  readonly reading: boolean
  /** Bytes read from the socket (plain HTTP bytes under TLS). */
  readonly bytesIn: number
  /**
   * Bytes whose write was completed, which means the kernel has them (plain HTTP bytes under TLS).
   * Writes are at most 64 KiB, so a write that was cut short hides less than that.
   */
  readonly bytesOut: number
  /** What was negotiated, once the handshake is through. */
  readonly tls: TlsAccount | undefined
  /** How many PINGs of the client were answered (HTTP/2). */
  readonly pings: number
  /** How many streams more than allowed the client opened, which were refused (HTTP/2). */
  readonly refused: number
  /** The error code of the client's GOAWAY, once it came (HTTP/2). */
  readonly goaway: number | undefined
  /** Why there was no TLS handshake, e.g. `ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN` when the client refused ours. */
  readonly tlsError: string | undefined
}

/** What a TLS handshake agreed on. */
export interface TlsAccount {
  /** `TLSv1.3`, `TLSv1.2`, … */
  readonly protocol: string | undefined
  /** The protocol chosen by ALPN. */
  readonly alpn: string | undefined
  /** The name the client asked for (SNI). */
  readonly servername: string | undefined
  /** Whether an earlier TLS session was resumed. */
  readonly resumed: boolean
  /** Whether the client showed a certificate which our `ca` vouches for. */
  readonly authorized: boolean
  /** The common name in the client's certificate. */
  readonly clientName: string | undefined
}

/** What the server knows of one request. It is kept up to date while the request lives. */
export interface RequestAccount {
  readonly method: string
  /** The request target exactly as it was sent: path with query, or an absolute URL, or `*`. */
  readonly target: string
  readonly httpVersion: '1.0' | '1.1' | '2'
  /** Name, value, name, value … exactly as they were sent; in HTTP/2 without the pseudo header fields. */
  readonly rawHeaders: readonly string[]
  /** Lower-case names; the lines of one name are joined with a comma (cookies with a semicolon). */
  readonly headers: Readonly<Record<string, string>>
  /** Name, value … of the trailer section of a chunked body. */
  readonly rawTrailers: readonly string[]
  /** How many bytes of the body were read so far, framing not counted. */
  readonly bodyBytes: number
  /** The body once it is complete. `undefined` before that, and for a body longer than the option `keepBody`. */
  readonly body: Uint8Array | undefined
  /** Whether the request arrived to its last byte. */
  readonly complete: boolean
  /** Id of the connection it came on. */
  readonly connection: number
  /** Number of its stream (HTTP/2). */
  readonly stream: number | undefined
  /** When its head was complete, in milliseconds of `performance.now()`. */
  readonly at: number
  /** The status that was sent, once its head is with the kernel. */
  readonly status: number | undefined
  /** Whether the whole answer was handed to the kernel. */
  readonly answered: boolean
  /** How many bytes of the answer's body were handed to the kernel, framing not counted. */
  readonly bytesOut: number
  /**
   * When the exchange was broken off before it was over, in milliseconds of `performance.now()`: the client left it, by
   * ending its connection or resetting its stream, or a fault of ours struck.
   */
  readonly brokenAt: number | undefined
  /** The error code with which the client reset its stream (HTTP/2). */
  readonly resetCode: number | undefined
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** An account that the server itself writes to. */
export type OpenConnectionAccount = Writable<ConnectionAccount>
/** An account that the server itself writes to. */
export type OpenRequestAccount = Writable<RequestAccount>

/** Keeps the accounts and wakes up who waits for a change in them. */
export class Ledger {
  readonly connections: OpenConnectionAccount[] = []
  readonly requests: OpenRequestAccount[] = []
  readonly errors: Error[] = []
  readonly #watchers = new Set<{ look: () => void; give: (error: Error) => void }>()
  #closed = false

  get open(): number {
    return this.connections.reduce((count, connection) => count + (connection.open ? 1 : 0), 0)
  }

  /** Opens the account of a connection that has just been accepted. */
  accept(port: number | undefined): OpenConnectionAccount {
    const account: OpenConnectionAccount = {
      id: this.connections.length + 1,
      port,
      open: true,
      openedAt: performance.now(),
      closedAt: undefined,
      closedBy: undefined,
      requests: 0,
      reading: true,
      bytesIn: 0,
      bytesOut: 0,
      tls: undefined,
      pings: 0,
      refused: 0,
      goaway: undefined,
      tlsError: undefined,
    }
    this.connections.push(account)
    this.changed()
    return account
  }

  /** Tells everybody who waits that something in the accounts is different now. */
  changed(): void {
    for (const watcher of this.#watchers) watcher.look()
  }

  /** Resolves with the first truthy value of `find`, which is asked now and after every change. */
  until<T>(what: string, find: () => T, withinMs: number): Promise<Exclude<T, Falsy>> {
    return new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer)
        this.#watchers.delete(watcher)
      }
      const watcher = {
        look: () => {
          try {
            const found = find()
            if (!found) return
            stop()
            resolve(found as Exclude<T, Falsy>)
          } catch (error) {
            watcher.give(error as Error)
          }
        },
        give: (error: Error) => {
          stop()
          reject(error)
        },
      }
      const timer = setTimeout(() => {
        watcher.give(new Error(`waited ${withinMs} ms for ${what}, which did not happen; ${this.#summary()}`))
      }, withinMs)
      this.#watchers.add(watcher)
      watcher.look()
      if (this.#closed && this.#watchers.has(watcher)) watcher.give(this.#tooLate(what))
    })
  }

  /** Ends all waiting: nothing will change any more. */
  close(): void {
    this.#closed = true
    this.changed()
    for (const watcher of this.#watchers) watcher.give(this.#tooLate('something more to happen'))
  }

  #tooLate(what: string): Error {
    return new Error(`the server was closed while somebody waited for ${what}; ${this.#summary()}`)
  }

  #summary(): string {
    const requests = this.requests.map(
      ({ method, target, complete }) => `${method} ${target}${complete ? '' : ' (incomplete)'}`,
    )
    return `the server saw ${this.connections.length} connections (${this.open} open) and the requests [${requests.join(', ')}]`
  }
}

/** What counts as "not yet" for `until`. */
export type Falsy = false | 0 | '' | null | undefined
