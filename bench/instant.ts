/** An engine without a network, and what a call through a client on it costs: the client's own work, and that of its plugins. */
import { HttpHeaders, type Client, type Engine } from 'sluice'

const headers = HttpHeaders.received(['content-type', 'application/json', 'cache-control', 'max-age=86400'])
const flow = { pause() {}, resume() {} }
const bytes = new TextEncoder().encode('{"ok":true}')

/** Answers inside `exchange()` with a small JSON that may be kept for a day. */
export const instant: Engine = {
  name: 'instant',
  capabilities: {
    protocols: ['http/1.1'],
    streamingUpload: false,
    uploadProgress: false,
    duplex: false,
    informational: false,
    trailers: false,
    backPressure: false,
    webSocket: false,
    decodes: false,
    proxies: false,
    limits: [],
  },
  exchange(request, observer) {
    observer.next({ type: 'sent' })
    observer.next({
      type: 'head',
      head: { status: 200, statusText: 'OK', headers, httpVersion: '1.1', url: request.url, request },
      flow,
    })
    observer.next({ type: 'chunk', bytes })
    observer.complete()
    return { ...flow, abort() {} }
  },
  close: async () => {},
  destroy: async () => {},
}

/** CPU time of this process for each of so many calls one after the other, in µs. */
export function cost(client: Client, calls: number): number {
  let answered = 0
  const counting = {
    next: () => answered++,
    error: (error: unknown) => {
      throw error
    },
  }
  const start = process.cpuUsage()
  for (let call = 0; call < calls; call++) client.get('users/7').subscribe(counting)
  const { user, system } = process.cpuUsage(start)
  if (answered !== calls) throw new Error(`${answered} of ${calls} calls were answered`)
  return (user + system) / calls
}
