/** Lists of hosts, as `NO_PROXY` has them: one reading of them for all engines. */
import { addressOf, hostOf, sharesBits, type Address } from './address.ts'

/** Where a request goes, as lists are asked for it. */
export interface Target {
  readonly scheme: string
  /** Lower case, in ASCII, without the dot of the root. */
  readonly name: string
  /** Missing for a name. */
  readonly address: Address | undefined
  readonly port: number
}

/** Reads an origin, as in `https://api.test:8443`. */
export function targetOf(origin: string): Target {
  const { protocol, hostname, port } = new URL(origin)
  const scheme = protocol.slice(0, -1)
  return {
    scheme,
    name: rootless(hostname),
    address: addressOf(hostname),
    port: port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
  }
}

/** True for this machine by its own name or address; nobody is asked what a name leads to. */
export function isLoopback({ name, address }: Target): boolean {
  if (address === undefined) return name === 'localhost' || name.endsWith('.localhost')
  return address.length === 4 ? address[0] === 127 : address.every((byte, at) => byte === (at === 15 ? 1 : 0))
}

/** Tells whether a host is meant. */
type Entry = (target: Target) => boolean

/**
 * A list of hosts, separated by commas or spaces. An entry is `*` for all, `host` for it and all below it, `.host` or `*.host` for those
 * below alone, an address, or a network (`10.0.0.0/8`); a port may follow (`host:8080`, `[::1]:8080`), a scheme may stand before
 * (`https://host`). Addresses are compared as such, however they are written; names are not looked up.
 */
export class Hosts {
  /** Entries nobody understands, which mean no host at all. */
  readonly unknown: readonly string[]
  readonly #entries: readonly Entry[]

  constructor(list: string) {
    const texts = list.split(/[\s,]+/).filter(text => text !== '')
    const read = texts.map(text => [text, entryOf(text.toLowerCase())] as const)
    this.unknown = read.filter(([, entry]) => entry === undefined).map(([text]) => text)
    this.#entries = read.flatMap(([, entry]) => entry ?? [])
  }

  has(target: Target): boolean {
    return this.#entries.some(entry => entry(target))
  }
}

function entryOf(text: string): Entry | undefined {
  const scheme = /^(https?):\/\//.exec(text)?.[1]
  const bare = scheme === undefined ? text : text.slice(scheme.length + 3).replace(/\/$/, '')
  const inner = bare === '*' ? () => true : bare.includes('/') ? networkOf(bare) : placeOf(bare)
  if (inner === undefined || scheme === undefined) return inner
  return target => target.scheme === scheme && inner(target)
}

const NETWORK = /^\[?([^[\]/]+)\]?\/(\d{1,3})$/

/** `10.0.0.0/8`, `fd00::/8`, and `169.254/16`, as macOS writes it. */
function networkOf(text: string): Entry | undefined {
  const [, start = '', length = ''] = NETWORK.exec(text) ?? []
  // Here 010 must not be 8, as it is in urls: whoever writes it means 10.
  const whole = start.includes(':') ? start : dotted(start)
  const address = addressOf(hostOf(whole ?? '') ?? '')
  if (address === undefined) return undefined
  const mapped = start.includes(':') && address.length === 4
  const bits = Number(length) - (mapped ? 96 : 0)
  if (bits < 0 || bits > address.length * 8) return undefined
  return target => target.address !== undefined && sharesBits(target.address, address, bits)
}

function dotted(start: string): string | undefined {
  const parts = start.split('.')
  if (parts.length > 4 || !parts.every(part => /^(?:0|[1-9]\d{0,2})$/.test(part))) return undefined
  return [...parts, '0', '0', '0'].slice(0, 4).join('.')
}

const BRACKETED = /^\[([^[\]]+)\](?::(\d{1,5}))?$/
const NAMED = /^([^:]+)(?::(\d{1,5}))?$/

/** A name or an address, and a port if there is one. */
function placeOf(text: string): Entry | undefined {
  const [, host = '', digits] = BRACKETED.exec(text) ?? NAMED.exec(text) ?? [text, text]
  const port = digits === undefined ? undefined : Number(digits)
  const inner = hostEntry(host)
  if (inner === undefined || port === undefined) return inner
  return target => target.port === port && inner(target)
}

function hostEntry(text: string): Entry | undefined {
  const dot = /^\*?\./.exec(text)?.[0] ?? ''
  // A zone (`fe80::1%eth0`) says by which cable, which a url cannot ask for.
  const hostname = hostOf(text.slice(dot.length).replace(/(?<=:.*)%.*$/, ''))
  if (hostname === undefined) return undefined
  const address = addressOf(hostname)
  if (address === undefined) return nameEntry(rootless(hostname), dot !== '')
  // There is nothing below an address.
  if (dot !== '') return undefined
  return target => target.address !== undefined && sharesBits(target.address, address, 128)
}

/** No name ends like an address: what ends in a number is one (WHATWG URL). */
function nameEntry(name: string, belowOnly: boolean): Entry {
  const end = `.${name}`
  return target => target.name.endsWith(end) || (!belowOnly && target.name === name)
}

function rootless(hostname: string): string {
  return hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
}
