import type { LookupFunction } from 'node:net'
import { Connector } from '../../../engines/connector/connector.ts'
import type { Connecting, ConnectionFacts } from '../../../engines/connector/connecting.ts'
import type { ConnectFailure } from '../../../engines/connector/failure.ts'
import type { ConnectOptions } from '../../../engines/connector/options.ts'
import { targetOf } from '../../../engines/connector/target.ts'

const DEFAULTS: ConnectOptions = {
  connectAttempts: 1,
  tls: {},
  lookup: undefined,
  family: undefined,
  localAddress: undefined,
  socketPath: undefined,
}

export const connectorOf = (
  options: Partial<ConnectOptions> = {},
  protocols: readonly string[] = ['http/1.1'],
): Connector => new Connector({ ...DEFAULTS, ...options }, protocols)

/** What became of a connection. */
export interface Outcome {
  readonly facts: ConnectionFacts | undefined
  readonly failure: ConnectFailure | undefined
}

/** Connects, tells how that went, and closes the socket after `turns` turns of the loop. */
export function outcome(
  connector: Connector,
  origin: string,
  { turns = 0, made }: { turns?: number; made?: (connecting: Connecting) => void } = {},
): Promise<Outcome> {
  return new Promise(resolve => {
    const connecting = connector.prepare(targetOf(origin), {
      phase: () => undefined,
      connected: (socket, facts) => {
        // Sessions of TLS 1.3 come with the first bytes that are read.
        socket.resume()
        const close = (left: number): void => {
          if (left > 0) setImmediate(close, left - 1)
          else {
            socket.destroy()
            resolve({ facts, failure: undefined })
          }
        }
        close(turns)
      },
      failed: failure => {
        resolve({ facts: undefined, failure })
      },
    })
    connecting.start()
    made?.(connecting)
  })
}

/** A look-up that answers with these addresses, whatever it is asked. */
export const finding =
  (...addresses: string[]): LookupFunction =>
  (_host, _options, done) => {
    done(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
