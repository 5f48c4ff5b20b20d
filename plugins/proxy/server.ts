/** Reading what somebody wrote as a proxy. What is wrong about it is said without showing it: it may be a password. */
import { HttpError, type ProxyCredentials, type ProxyHop } from '../../src/index.ts'
import type { ProxyUrl } from './options.ts'

type Protocol = ProxyHop['protocol']

const PORTS: Readonly<Record<Protocol, number>> = { http: 80, https: 443, socks5: 1080 }
const WRITE =
  "write 'http://host:3128', 'https://host:3129' or 'socks5://host:1080', with user and password percent-encoded before the host if it wants them"

/** A proxy. Its secrets are behind getters, so that neither JSON nor `console.log` shows them. */
export class Server implements ProxyHop {
  readonly protocol: Protocol
  readonly host: string
  readonly port: number
  readonly #credentials: ProxyCredentials | undefined
  readonly #tls: object | undefined

  constructor(
    { protocol, host, port }: Pick<ProxyHop, 'protocol' | 'host' | 'port'>,
    credentials: ProxyCredentials | undefined,
    tls?: object,
  ) {
    this.protocol = protocol
    this.host = host
    this.port = port
    this.#credentials = credentials
    this.#tls = tls
  }

  get credentials(): ProxyCredentials | undefined {
    return this.#credentials
  }

  get tls(): object | undefined {
    return this.#tls
  }

  /** The same proxy, spoken to with this TLS where it speaks TLS. */
  over(tls: object | undefined): Server {
    return tls === undefined || this.protocol !== 'https' ? this : new Server(this, this.#credentials, tls)
  }
}

/** For people, without secrets: `http://proxy.test:3128`. */
export function nameOf({ protocol, host, port }: ProxyHop): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Reads a proxy. Throws `CONFIG`, saying `where` it stood; `bare` allows `host:3128`, as the environment may have it. */
export function serverOf(given: ProxyUrl, where: string, bare = false): Server {
  if (typeof given !== 'string' && !(given instanceof URL)) throw wrong(where, 'it is no url')
  const text = String(given)
  // The URL standard would drop line ends and tabs without a word.
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\0-\x20\x7f]/.test(text)) throw wrong(where, 'it has a space or a control character in it')
  const [, scheme, rest] = /^(?:([a-z][a-z\d+.-]*):\/\/)?(.*)$/is.exec(text) ?? []
  const protocol = protocolOf(scheme, where, bare)
  // All are read as http, for only there hosts are: of other schemes the standard takes any text for one.
  const url = URL.parse(`http://${rest ?? ''}`)
  if (url === null) throw wrong(where, 'it is no url')
  if (url.pathname !== '/' || /[?#]/.test(rest ?? '')) throw wrong(where, 'something follows its host and port')
  const digits = /:(\d+)\/?$/.exec(rest ?? '')?.[1]
  const port = digits === undefined ? PORTS[protocol] : Number(digits)
  if (port === 0) throw wrong(where, 'nothing can be reached at port 0')
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return new Server({ protocol, host, port }, credentialsOf(url, protocol, where))
}

/** Checks credentials. Throws `CONFIG` for those the protocol has no way to say, without showing them. */
export function checkedCredentials(
  { username, password }: ProxyCredentials,
  protocol: Protocol,
  where: string,
): ProxyCredentials {
  if (typeof username !== 'string' || typeof password !== 'string') {
    throw config(where, 'user and password must be strings')
  }
  // oxlint-disable-next-line no-control-regex -- the control characters are what is looked for
  if (/[\0-\x1f\x7f]/.test(username + password)) throw config(where, 'user or password has a control character in it')
  if (protocol === 'socks5') {
    const longest = Math.max(...[username, password].map(text => new TextEncoder().encode(text).length))
    if (longest > 255) throw config(where, 'SOCKS5 takes at most 255 bytes of user and of password (RFC 1929)')
  } else if (username.includes(':')) {
    throw config(where, 'a user cannot have a colon, which ends it in Basic credentials (RFC 7617)')
  }
  return { username, password }
}

function protocolOf(scheme: string | undefined, where: string, bare: boolean): Protocol {
  switch (scheme?.toLowerCase()) {
    case 'http':
      return 'http'
    case 'https':
      return 'https'
    case 'socks5':
    case 'socks5h':
      return 'socks5'
    case undefined:
      if (bare) return 'http'
      throw wrong(where, 'it does not begin with http://, https:// or socks5://')
    default:
      throw wrong(where, 'it is a proxy of a kind that is not known here')
  }
}

function credentialsOf(url: URL, protocol: Protocol, where: string): ProxyCredentials | undefined {
  if (url.username === '' && url.password === '') return undefined
  const [username, password] = [url.username, url.password].map(text => decoded(text, where))
  return checkedCredentials({ username: username ?? '', password: password ?? '' }, protocol, where)
}

/** A `%` that begins no byte is one; the standard leaves it alone and escapes what stands around it. */
function decoded(text: string, where: string): string {
  try {
    return text.replace(/(?:%[\da-f]{2})+/gi, bytes => decodeURIComponent(bytes))
  } catch {
    throw wrong(where, 'its user or password is not UTF-8 when it is percent-decoded')
  }
}

function wrong(where: string, why: string): HttpError {
  return config(where, `${why}; ${WRITE}`)
}

function config(where: string, why: string): HttpError {
  return new HttpError('CONFIG', `${where} cannot be used: ${why}.`, { phase: 'config' })
}
