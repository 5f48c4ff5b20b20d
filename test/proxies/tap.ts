/** Listens in on a proxy: a port that leads to it, and keeps what goes by in both directions. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** What went by on one connection. */
export interface Overheard {
  /** What the client sent to the proxy. */
  readonly sent: Buffer
  /** What the proxy sent to the client. */
  readonly received: Buffer
  /** Whether the client still holds it open. */
  readonly open: boolean
}

/** A port that leads to a proxy. */
export interface Tap extends AsyncDisposable {
  readonly port: number
  /** The connections, in the order in which they came. */
  readonly connections: readonly Overheard[]
}

/** Starts to listen in on the proxy on `port` of 127.0.0.1. */
export async function tap(port: number): Promise<Tap> {
  const connections: Line[] = []
  const server = createServer({ allowHalfOpen: true }, client => connections.push(new Line(client, port)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    async [Symbol.asyncDispose]() {
      const closed = once(server.close(), 'close')
      for (const line of connections) line.cut()
      await closed
    },
  }
}

class Line implements Overheard {
  open = true
  readonly #sent: Buffer[] = []
  readonly #received: Buffer[] = []
  readonly #client: Socket
  readonly #proxy: Socket

  constructor(client: Socket, port: number) {
    this.#client = client
    this.#proxy = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.on('data', (bytes: Buffer) => this.#sent.push(bytes)).pipe(this.#proxy)
    this.#proxy.on('data', (bytes: Buffer) => this.#received.push(bytes)).pipe(client)
    // Whoever breaks off breaks off for the other side too.
    client
      .on('error', () => undefined)
      .on('close', () => {
        this.open = false
        this.#proxy.destroy()
      })
    this.#proxy.on('error', () => undefined).on('close', () => client.destroy())
  }

  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  get received(): Buffer {
    return Buffer.concat(this.#received)
  }

  cut(): void {
    this.#client.destroy()
    this.#proxy.destroy()
  }
}
