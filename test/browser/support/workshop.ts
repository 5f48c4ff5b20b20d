/** A page with the engines in it. */
import { reply, serve } from 'sluice/testing'
import type { Capabilities, EngineFactory } from '../../../src/index.ts'
import type { Chromium, Page } from './chromium.ts'
import { program } from './program.ts'
import { Channel, remote } from './remote.ts'
import type { Kind, ToNode } from './wire.ts'

/** A page that was opened. */
export interface Workshop {
  readonly page: Page
  /** The engine of the page as one that a client in Node can use. */
  factory(kind: Kind, options?: object): EngineFactory
  close(): Promise<void>
}

/** Opens a page of its own origin. */
export async function workshop(chromium: Chromium): Promise<Workshop> {
  const script = await program('page')
  const server = await serve({
    'GET /': { headers: { 'content-type': 'text/html' }, body: '<!doctype html><script src="/page.js"></script>' },
    'GET /page.js': { headers: { 'content-type': 'text/javascript' }, body: script },
    '/*': reply.status(404),
  })
  const channel = new Channel(messages => {
    // The page goes with its browser; who still waits then is the test's affair.
    page.evaluate(`sluice.hear(${JSON.stringify(messages)})`).catch(() => {})
  })
  const page = await chromium.open(server.url, text => {
    channel.hear(JSON.parse(text) as ToNode)
  })
  const capabilities: Record<Kind, Capabilities> = {
    fetch: await page.evaluate(`sluice.capabilities('fetch')`),
    xhr: await page.evaluate(`sluice.capabilities('xhr')`),
  }
  return {
    page,
    factory: (kind, options) => remote(channel, kind, capabilities[kind], options),
    close: () => server.close(),
  }
}
