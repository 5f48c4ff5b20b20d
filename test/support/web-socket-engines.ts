/** The engines on Node that speak WebSocket by themselves: what is true of one is true of all. */
import type { Engine, EngineFactory } from 'sluice'
import { http } from 'sluice/engines/http'
import { http2 } from 'sluice/engines/http2'
import { undici } from 'sluice/engines/undici'
import { afterEach, beforeEach, describe } from 'vitest'
import { certificates } from './certificates.ts'
import { rawServer, type Answer, type RawPeer, type RawServer } from './web-socket-raw.ts'
import { asking, Talk } from './web-socket-talk.ts'

interface Speaking {
  readonly name: string
  readonly protocol: 'http/1.1' | 'h2c'
  readonly make: () => EngineFactory
}

const tls = { ca: certificates().ca }

const ENGINES: readonly Speaking[] = [
  { name: 'undici', protocol: 'http/1.1', make: () => undici({ tls }) },
  { name: 'http', protocol: 'http/1.1', make: () => http({ tls }) },
  { name: 'http2 over HTTP/1.1', protocol: 'http/1.1', make: () => http2({ tls }) },
  { name: 'http2', protocol: 'h2c', make: () => http2({ mode: 'h2c', tls }) },
]

let engine: Engine
let servers: RawServer[] = []

/** Describes what is true of every one of them. */
export function describeSpeaking(title: string, tests: (engine: Speaking) => void): void {
  describe.each(ENGINES)(`$name: ${title}`, speaking => {
    beforeEach(() => {
      engine = speaking.make().create()
      servers = []
    })
    afterEach(async () => {
      await engine.destroy()
      for (const server of servers) await server[Symbol.asyncDispose]()
    })
    tests(speaking)
  })
}

/** The engine whose turn it is. */
export function current(): Engine {
  return engine
}

/** A WebSocket to a scripted server, and that server's end of it. */
export async function converse(
  { protocol }: Speaking,
  wish: Parameters<typeof asking>[1] = {},
  answer: Answer = {},
): Promise<{ readonly talk: Talk; readonly peer: RawPeer; readonly server: RawServer }> {
  const server = await raw(protocol, answer)
  const talk = new Talk(engine, asking(server.url, wish))
  const [, peer] = await Promise.all([talk.open(), server.next()])
  return { talk, peer, server }
}

/** A scripted server that is closed with the end of the test. */
export async function raw(protocol: Speaking['protocol'], answer: Answer = {}, connects = true): Promise<RawServer> {
  const server = await rawServer(protocol, answer, connects)
  servers.push(server)
  return server
}

export type { Speaking }
