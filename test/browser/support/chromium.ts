/** A Chromium without a window, spoken to over the pipe of its debugging protocol. */
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

const PLACES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A page that was opened. */
export interface Page {
  /** Runs an expression in the page, and resolves with what it, or its promise, has as JSON. */
  evaluate<T>(expression: string): Promise<T>
}

/** A browser that was started. */
export interface Chromium {
  /** Opens a page. `hear` is called with each text that the page gives to `globalThis.toNode`. */
  open(url: string, hear?: (text: string) => void): Promise<Page>
  /** Ends the browser and waits for it. */
  close(): Promise<void>
}

interface Message {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: { readonly name?: string; readonly payload?: string }
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

/** Starts a browser. `flags` are given to it beside those that keep it from the network and from asking questions. */
export async function launch(...flags: string[]): Promise<Chromium> {
  const program = PLACES.find(path => path !== undefined && existsSync(path))
  if (program === undefined) throw new Error('there is no Chromium: apt-get install chromium, or name one in CHROMIUM')
  const profile = await mkdtemp(join(tmpdir(), 'sluice-chromium-'))
  const child = spawn(program, [...FLAGS, `--user-data-dir=${profile}`, ...flags, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const gone = new Promise(resolve => child.once('close', resolve))
  const pipe = new Pipe(child)
  return {
    async open(url, hear = () => {}) {
      const { targetId } = await pipe.call('Target.createTarget', { url: 'about:blank' })
      const attached = await pipe.call('Target.attachToTarget', { targetId, flatten: true })
      const sessionId = attached['sessionId'] as string
      pipe.listeners.set(sessionId, hear)
      await pipe.call('Runtime.enable', {}, sessionId)
      await pipe.call('Runtime.addBinding', { name: 'toNode' }, sessionId)
      await pipe.call('Page.enable', {}, sessionId)
      const loaded = pipe.loaded(sessionId)
      await pipe.call('Page.navigate', { url }, sessionId)
      await loaded
      return { evaluate: expression => evaluate(pipe, sessionId, expression) }
    },
    async close() {
      pipe.closing = true
      await pipe.call('Browser.close', {}).catch(() => child.kill('SIGKILL'))
      await gone
      await rm(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

const FLAGS = [
  '--headless=new',
  '--remote-debugging-pipe',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--no-default-browser-check',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-sync',
  '--disable-features=MediaRouter,OptimizationHints,Translate',
  '--no-proxy-server',
  // Names lead nowhere but to this machine.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
]

async function evaluate<T>(pipe: Pipe, sessionId: string, expression: string): Promise<T> {
  const { result, exceptionDetails } = (await pipe.call(
    'Runtime.evaluate',
    { expression, awaitPromise: true, returnByValue: true },
    sessionId,
  )) as { result: { value: T }; exceptionDetails?: { text: string; exception?: { description?: string } } }
  if (exceptionDetails !== undefined)
    throw new Error(`the page threw: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`)
  return result.value
}

/** Messages as JSON, each ended by a zero byte. */
class Pipe {
  readonly listeners = new Map<string, (text: string) => void>()
  closing = false
  readonly #out: Writable
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>()
  readonly #loading = new Map<string, () => void>()
  #parts: Buffer[] = []
  #id = 0

  constructor(child: ChildProcess) {
    this.#out = child.stdio[3] as Writable
    const input = child.stdio[4] as Readable
    input.on('data', (bytes: Buffer) => {
      this.#take(bytes)
    })
    this.#out.on('error', () => {})
    child.once('close', code => {
      const error = new Error(`Chromium has ended (${String(code)})`)
      for (const { resolve, reject } of this.#waiting.values()) {
        if (this.closing) resolve({})
        else reject(error)
      }
    })
  }

  call(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#id
    const waiting = Promise.withResolvers<Record<string, unknown>>()
    this.#waiting.set(id, waiting)
    this.#out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`)
    return waiting.promise
  }

  /** Resolves when the page has loaded. */
  loaded(sessionId: string): Promise<void> {
    return new Promise(resolve => this.#loading.set(sessionId, resolve))
  }

  #take(bytes: Buffer): void {
    let from = 0
    for (let end = bytes.indexOf(0); end !== -1; end = bytes.indexOf(0, from)) {
      this.#hear(JSON.parse(Buffer.concat([...this.#parts, bytes.subarray(from, end)]).toString()) as Message)
      this.#parts = []
      from = end + 1
    }
    if (from < bytes.length) this.#parts.push(bytes.subarray(from))
  }

  #hear({ id, method, sessionId = '', params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result ?? {})
      else waiting?.reject(new Error(error.message))
    } else if (method === 'Runtime.bindingCalled') this.listeners.get(sessionId)?.(params?.payload ?? '')
    else if (method === 'Page.loadEventFired') this.#loading.get(sessionId)?.()
  }
}
