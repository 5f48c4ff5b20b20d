/** An engine whose WebSockets write down what they are asked for. */
import type { WebSocketConnection } from 'sluice'
import { ScriptedEngine } from '../../src/scripted-engine.ts'

export function wordless(change: Partial<WebSocketConnection> = {}): {
  readonly engine: ScriptedEngine
  readonly asked: string[]
} {
  const asked: string[] = []
  const socket: WebSocketConnection = {
    protocol: '',
    compressed: false,
    bufferedAmount: 0,
    pings: true,
    listen: () => asked.push('listen'),
    send: data => asked.push(`send ${String(data)}`),
    ping: () => asked.push('ping'),
    close: code => asked.push(`close ${String(code)}`),
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
    ...change,
  }
  const engine = new ScriptedEngine(
    sent => {
      const { request } = sent
      const head = {
        status: 101,
        statusText: '',
        headers: request.headers,
        httpVersion: '1.1',
        url: request.url,
        request,
      } as const
      sent.next({ type: 'head', head, flow: sent, socket })
    },
    { webSocket: true },
  )
  return { engine, asked }
}
