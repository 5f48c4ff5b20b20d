/** The rules by which a route finds the engines of a request. */
import { shown } from '../check.ts'
import { config } from '../errors.ts'

/** What a rule stands for: an origin, a host on any port, or every host below one. */
interface Rule {
  readonly text: string
  /** `https:`; missing for any. */
  readonly scheme: string | undefined
  /** Lower case; of `*.internal` only `.internal`. */
  readonly host: string
  readonly below: boolean
  /** As it stands in a url, empty for the scheme's own; missing for any. */
  readonly port: string | undefined
}

/** Finds by origin what belongs to the first rule that fits. */
export class Rules<T> {
  readonly #rules: readonly (readonly [Rule, T])[]
  readonly #otherwise: T | undefined
  readonly #found = new Map<string, T | undefined>()

  /** Throws `HttpError` code `CONFIG` for a rule that is none, or that never fits because of one before it. */
  constructor(entries: readonly (readonly [string, T])[], otherwise: T | undefined) {
    this.#rules = entries.map(([text, value]) => [parse(text), value])
    this.#otherwise = otherwise
    for (const [at, [rule]] of this.#rules.entries()) {
      const earlier = this.#rules.slice(0, at).find(([before]) => covers(before, rule))?.[0]
      if (earlier === undefined) continue
      throw config(
        `The rule ${JSON.stringify(rule.text)} of route would never be asked, because ${JSON.stringify(earlier.text)} stands before it and fits as well; write it first.`,
      )
    }
  }

  /** The rules as they were written. */
  get texts(): readonly string[] {
    return this.#rules.map(([{ text }]) => text)
  }

  /** What belongs to an origin such as `https://api.test:8443`. */
  find(origin: string): T | undefined {
    if (this.#found.has(origin)) return this.#found.get(origin)
    const { protocol, hostname, port } = new URL(origin)
    const target = { text: '', scheme: protocol, host: hostname, below: false, port }
    const found = this.#rules.find(([rule]) => covers(rule, target))
    const value = found === undefined ? this.#otherwise : found[1]
    // Whoever asks for ever new hosts must not fill the memory.
    if (this.#found.size >= MOST_REMEMBERED) this.#found.clear()
    this.#found.set(origin, value)
    return value
  }
}

const MOST_REMEMBERED = 1000

const RULE = /^(?:(https?):\/\/)?(\*\.)?([^\s/?#@:*[\]]+|\[[0-9a-f:.]+\])(?::(\d+))?\/?$/i

function parse(text: string): Rule {
  const match = RULE.exec(text)
  const [, scheme, star, name = '', port] = match ?? []
  const url = match && URL.parse(`${scheme ?? 'http'}://${name}${port === undefined ? '' : `:${port}`}/`)
  if (!url) {
    throw config(
      `${shown(text)} is no rule of route; write an origin ('https://api.test'), a host ('api.test', 'localhost:8080') or all hosts below one ('*.internal').`,
    )
  }
  return {
    text,
    scheme: scheme === undefined ? undefined : url.protocol,
    host: star === undefined ? url.hostname : `.${url.hostname}`,
    below: star !== undefined,
    port: scheme === undefined && port === undefined ? undefined : scheme === undefined ? port : url.port,
  }
}

/** Whether everything that fits `rule` fits `by` as well. */
function covers(by: Rule, rule: Rule): boolean {
  if (by.scheme !== undefined && by.scheme !== rule.scheme) return false
  if (by.port !== undefined && by.port !== portOf(by, rule)) return false
  return by.below ? rule.host.endsWith(by.host) : !rule.below && by.host === rule.host
}

/** The port of a rule as the other one writes it: a host with a port may meet a url that leaves its usual one out. */
function portOf(by: Rule, { port, scheme }: Rule): string | undefined {
  if (port !== '' || by.scheme !== undefined) return port
  return scheme === 'https:' ? '443' : '80'
}
