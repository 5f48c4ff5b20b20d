/** What is still open in this process: nothing may be, once a client was closed. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'

/** How much of everything is open: client sockets, and by name what keeps the event loop alive. */
export interface OpenResources {
  /** Sockets this process opened as a client and did not close yet; also those that were unref()ed. */
  readonly clientSockets: number
  /** Timers that keep the process alive; an unref()ed one cannot be seen. */
  readonly timers: number
  /** Everything else that keeps the process alive, by its name in `process.getActiveResourcesInfo()`. */
  readonly handles: Readonly<Record<string, number>>
}

/** Counts from where it began. */
export interface LeakWatch extends Disposable {
  /** Addresses of the client sockets that are open now. */
  clientSockets(): string[]
  /**
   * Resolves as soon as no more is open than when the watch began. Otherwise rejects after `withinMs` milliseconds
   * (default 500) with what is left.
   */
  settled(withinMs?: number): Promise<void>
  /** Stops watching. */
  [Symbol.dispose](): void
}

/**
 * Begins to watch. Ask before anything is opened that should be counted.
 *
 * @example
 * ```ts
 * using leaks = watchLeaks()
 * await client.close()
 * await leaks.settled()
 * ```
 */
export function watchLeaks(): LeakWatch {
  const sockets = new Set<Socket>()
  const opened = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  }
  subscribe('net.client.socket', opened)
  const before = count(0)
  return {
    clientSockets: () =>
      [...sockets].map(socket => `${socket.remoteAddress ?? 'connecting'}:${socket.remotePort ?? ''}`),
    async settled(withinMs = 500) {
      const deadline = performance.now() + withinMs
      while (excess(count(sockets.size), before).length > 0) {
        if (performance.now() > deadline)
          throw new Error(`still open after ${withinMs} ms: ${excess(count(sockets.size), before).join(', ')}`)
        await new Promise(resolve => setImmediate(resolve))
      }
    },
    [Symbol.dispose]: () => {
      unsubscribe('net.client.socket', opened)
    },
  }
}

function count(clientSockets: number): OpenResources {
  const handles: Record<string, number> = {}
  let timers = 0
  for (const name of process.getActiveResourcesInfo()) {
    if (name === 'Timeout') timers += 1
    // Where the waiting itself comes from.
    else if (name !== 'Immediate') handles[name] = (handles[name] ?? 0) + 1
  }
  return { clientSockets, timers, handles }
}

function excess(now: OpenResources, before: OpenResources): string[] {
  const rows: [string, number, number][] = [
    ['client sockets', now.clientSockets, before.clientSockets],
    ['timers', now.timers, before.timers],
    ...Object.entries(now.handles).map(([name, held]): [string, number, number] => [
      name,
      held,
      before.handles[name] ?? 0,
    ]),
  ]
  return rows.filter(([, held, allowed]) => held > allowed).map(([name, held, allowed]) => `${held - allowed} ${name}`)
}
