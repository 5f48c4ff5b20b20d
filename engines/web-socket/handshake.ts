/** The handshake over a connection of HTTP/1.1, by Node's own client. */
import { ClientRequest, type ClientRequestArgs, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Target } from '../connector/target.ts'

/** How answers are read, and who may touch the request before it is written. */
export interface HandshakeSettings {
  readonly maxHeaderSize: number
  /** Reads what is not quite HTTP. */
  readonly tolerant: boolean
  readonly configure: ((request: ClientRequest) => void) | undefined
}

/** Hears what becomes of it, until it is left. */
export interface HandshakeListener {
  /** The head was given to the socket. */
  written(): void
  informed(status: number, fields: readonly string[]): void
  /** Whether or not it is one to WebSocket: 101 came, and behind it are bytes of something else than HTTP. */
  upgraded(answer: IncomingMessage, behind: Buffer): void
  answered(answer: IncomingMessage): void
  /** Nothing more comes. The error is missing when the peer simply closed the connection. */
  lost(error: Error | undefined): void
}

/** Sends the head. Throws what Node finds wrong with it. The returned function leaves it; the socket is not its. */
export function shakeHands(
  socket: Socket,
  target: Target,
  path: string,
  headers: string[],
  { maxHeaderSize, tolerant, configure }: HandshakeSettings,
  listener: HandshakeListener,
): () => void {
  let hears: HandshakeListener | undefined = listener
  // Node reads more than is set here: for none of it a polluted `Object.prototype` must answer.
  const options = {
    agent: undefined,
    createConnection: () => socket,
    protocol: target.secure ? 'https:' : 'http:',
    defaultPort: target.secure ? 443 : 80,
    host: target.host,
    port: target.port,
    method: 'GET',
    path,
    headers,
    maxHeaderSize,
    insecureHTTPParser: tolerant,
    hostname: undefined,
    signal: undefined,
    socketPath: undefined,
    timeout: undefined,
    setDefaultHeaders: false,
    joinDuplicateHeaders: undefined,
    uniqueHeaders: undefined,
    ...(target.secure ? { _defaultAgent: SECURE } : undefined),
  }
  const request = new ClientRequest(options as unknown as ClientRequestArgs)
  // What is too much is judged by us; Node would drop it without a word.
  request.maxHeadersCount = 0
  request.on('information', ({ statusCode, rawHeaders }: { statusCode: number; rawHeaders: string[] }) => {
    hears?.informed(statusCode, rawHeaders)
  })
  request.on('upgrade', (answer, _, behind) => {
    hears?.upgraded(answer, behind)
  })
  request.on('response', answer => {
    hears?.answered(answer)
  })
  request.on('error', error => {
    hears?.lost(error)
  })
  request.on('close', () => {
    hears?.lost(undefined)
  })
  const leave = (): void => {
    hears = undefined
  }
  try {
    configure?.(request)
  } catch (error) {
    leave()
    request.destroy()
    throw error
  }
  request.end(() => {
    hears?.written()
  })
  return leave
}

/** What Node takes for the agent that knows `https:`. It is asked for nothing else. */
const SECURE = { protocol: 'https:', defaultPort: 443 }
