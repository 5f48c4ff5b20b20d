/** A client that speaks in bytes, and tells a FIN from a RST. */
import net from 'node:net'
import tls from 'node:tls'
import { wasReset } from '../../testing/serve/was-reset.ts'

export interface RawClient extends Disposable {
  readonly socket: net.Socket
  /** Everything that came so far, as latin1. */
  readonly text: string
  /** Writes text (latin1) or bytes. */
  send(bytes: string | Uint8Array): void
  /** Resolves with everything that came, once `what` is in it or matches it. Rejects when the connection ends before. */
  until(what: string | RegExp): Promise<string>
  /** Resolves when the server ends the connection: with FIN, or with RST. */
  readonly ended: Promise<'fin' | 'reset'>
  /** Ends the connection with a FIN. */
  close(): void
  /** Ends the connection with a RST. */
  reset(): void
}

/** Connects to the host and port of `url`; with `secure`, over TLS. */
export async function rawClient(url: string, secure?: tls.ConnectionOptions): Promise<RawClient> {
  const { hostname: host, port } = new URL(url)
  const raw = net.connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true })
  await once(raw, 'connect')
  const socket = secure ? tls.connect({ ...secure, socket: raw }) : raw
  if (secure) {
    await once(socket, 'secureConnect').catch((error: unknown) => {
      raw.destroy()
      throw error
    })
  }

  let text = ''
  let over: 'fin' | 'reset' | undefined
  const ends = Promise.withResolvers<'fin' | 'reset'>()
  const checks = new Set<() => void>()
  const changed = (): void => {
    for (const check of checks) check()
  }
  const end = (how: 'fin' | 'reset') => (): void => {
    over ??= how
    ends.resolve(over)
    changed()
  }
  socket.setEncoding('latin1')
  socket.on('data', (piece: string) => {
    text += piece
    changed()
  })
  socket.on('end', () => end(wasReset(raw) ? 'reset' : 'fin')())
  socket.on('error', end('reset'))
  socket.on('close', end('fin'))

  const close = (): void => {
    socket.destroy()
  }
  return {
    socket,
    get text() {
      return text
    },
    send: bytes => {
      socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    },
    until: what =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          const found = typeof what === 'string' ? text.includes(what) : what.test(text)
          if (found) resolve(text)
          else if (over)
            reject(
              new Error(`the server ended with ${over} before ${String(what)} came; there was ${JSON.stringify(text)}`),
            )
          else return
          checks.delete(check)
        }
        checks.add(check)
        check()
      }),
    ended: ends.promise,
    close,
    reset: () => {
      raw.resetAndDestroy()
    },
    [Symbol.dispose]: close,
  }
}

function once(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once(event, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}
