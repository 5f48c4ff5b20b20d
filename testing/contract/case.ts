/** What a case of the engine contract is, and what it is given to work with. */
import type { Client } from '../../src/client.ts'
import type { Capabilities, Engine, EngineFactory, Limits, Reserved } from '../../src/engine.ts'
import { serve, type Protocol } from '../serve.ts'
import { socketServer, type Manners, type SocketServer } from './web-socket-server.ts'

/** A promise every engine keeps, or declares that it cannot. */
export interface Case {
  /** A sentence about behaviour. */
  readonly title: string
  /** What the engine must be able to do for this case to mean something. */
  readonly needs?: readonly Need[]
  /** What the platform underneath must not have reserved to itself for this case to mean something. */
  readonly unless?: readonly Reserved[]
  readonly run: (bench: Workbench) => Promise<void>
}

/**
 * A capability that is yes or no, a protocol the case is about (`http/2` with or without TLS), a limit the engine obeys, or
 * an engine whose pool has one connection.
 */
export type Need =
  | { [K in keyof Capabilities]-?: Capabilities[K] extends boolean ? K : never }[keyof Capabilities]
  | 'http/1.1'
  | 'http/2'
  | 'tls'
  | `limit ${keyof Limits}`
  | 'single'

/** What servers of the contract speak. */
export type Spoken = Exclude<Protocol, 'auto'>

/** A key and its certificate, both PEM. */
export interface Identity {
  readonly key: string
  readonly cert: string
}

/** Everything a case works with; whatever it opens is closed behind it. */
export interface Workbench {
  /** Makes the engine under test. */
  readonly engine: () => Engine
  /** The same with one connection per origin; for cases that need `single`. */
  readonly singleEngine: () => Engine
  /** A client without plugins on an engine of its own. */
  readonly client: (baseUrl: string) => Client
  /** The same, on an engine that opens one connection per origin; for cases that need `single`. */
  readonly singleClient: (baseUrl: string) => Client
  /** What the servers speak. */
  readonly protocol: Spoken
  /** Starts a server that speaks it. */
  readonly serve: typeof serve
  /** Starts a server of WebSockets that speaks it. */
  readonly sockets: (manners: Manners) => Promise<SocketServer>
}

/** What a workbench is made of. */
export interface WorkbenchParts {
  readonly factory: EngineFactory
  readonly single: EngineFactory | undefined
  readonly protocol: Spoken
  readonly tls: Identity | undefined
  readonly create: (engine: EngineFactory, baseUrl: string) => Client
}

/** Makes clients and engines and remembers them. */
export class OwnWorkbench implements Workbench {
  readonly #open: (() => Promise<unknown>)[] = []
  readonly #factory: EngineFactory
  readonly #single: EngineFactory | undefined
  readonly #create: (engine: EngineFactory, baseUrl: string) => Client
  readonly #tls: Identity | undefined
  readonly protocol: Spoken

  constructor(parts: WorkbenchParts) {
    this.#factory = parts.factory
    this.#single = parts.single
    this.#create = parts.create
    this.#tls = parts.tls
    this.protocol = parts.protocol
  }

  readonly engine: Workbench['engine'] = () => this.#keep(this.#factory)

  readonly singleEngine: Workbench['singleEngine'] = () => this.#keep(this.#onlyOne())

  readonly client: Workbench['client'] = baseUrl => {
    return this.#remember(this.#create(this.#factory, baseUrl))
  }

  readonly singleClient: Workbench['singleClient'] = baseUrl => {
    return this.#remember(this.#create(this.#onlyOne(), baseUrl))
  }

  readonly serve: Workbench['serve'] = async (routes, options) => {
    const tls = this.protocol !== 'h2c' && this.#tls ? { tls: this.#tls } : {}
    const server = await serve(routes, { protocol: this.protocol, ...tls, ...options })
    this.#open.push(() => server.close())
    return server
  }

  readonly sockets: Workbench['sockets'] = async manners => {
    const server = await socketServer(this.protocol, this.protocol === 'h2c' ? undefined : this.#tls, manners)
    this.#open.push(() => server.close())
    return server
  }

  /** Ends whatever the case left open. */
  async clear(): Promise<void> {
    for (const close of this.#open.splice(0).toReversed()) await close()
  }

  #onlyOne(): EngineFactory {
    if (this.#single === undefined) throw new Error('the contract was given no engine with a single connection')
    return this.#single
  }

  #keep(factory: EngineFactory): Engine {
    const engine = factory.create()
    this.#open.push(() => engine.destroy())
    return engine
  }

  #remember(client: Client): Client {
    this.#open.push(() => {
      client.cancel()
      return client.join()
    })
    return client
  }
}
