/** The proxies of an environment: `http_proxy`, `https_proxy`, `all_proxy`, `no_proxy`. */
import type { Way } from './choice.ts'
import { Hosts, type Target } from './hosts.ts'
import type { Environment } from './options.ts'
import { serverOf } from './server.ts'

/** Proxies by scheme, and who is asked without one. */
export class EnvironmentProxies {
  readonly #ways: Readonly<Record<string, Way | undefined>>
  readonly #except: Hosts

  /** Throws `CONFIG` for a proxy that cannot be used. What nobody understands in `no_proxy` means no host, as everywhere. */
  constructor(env: Environment) {
    const names = new Set(Object.keys(env))
    // A CGI server makes HTTP_PROXY of a header named Proxy, which anybody may send (CVE-2016-5386).
    if (read(env, names, 'REQUEST_METHOD') !== undefined) names.delete('HTTP_PROXY')
    const all = find(env, names, 'all_proxy')
    this.#ways = {
      http: wayOf(find(env, names, 'http_proxy') ?? all),
      https: wayOf(find(env, names, 'https_proxy') ?? all),
    }
    this.#except = new Hosts(find(env, names, 'no_proxy')?.value ?? '')
  }

  /** The way to a host; undefined when the environment says nothing about it. */
  for(target: Target): Way | undefined {
    return this.#except.has(target) ? undefined : this.#ways[target.scheme]
  }
}

/** The environment of the process, where there is one. */
export function processEnvironment(): Environment {
  const { process } = globalThis as { readonly process?: { readonly env?: Environment } }
  const env = Object.hasOwn(globalThis, 'process') ? (process?.env ?? {}) : {}
  // A copy: what is changed later does not change a client. Names are kept as they are, for Windows does not tell them apart.
  return Object.fromEntries(Object.keys(env).flatMap(name => (WANTED.test(name) ? [[name, env[name]]] : [])))
}

const WANTED = /^(?:(?:http|https|all|no)_proxy|request_method)$/i

interface Variable {
  readonly name: string
  readonly value: string
}

/** Lower case first, as curl does it; empty is not set. */
function find(env: Environment, names: ReadonlySet<string>, name: string): Variable | undefined {
  return read(env, names, name) ?? read(env, names, name.toUpperCase())
}

function read(env: Environment, names: ReadonlySet<string>, name: string): Variable | undefined {
  const value = names.has(name) ? (env[name] ?? '').trim() : ''
  return value === '' ? undefined : { name, value }
}

function wayOf(variable: Variable | undefined): Way | undefined {
  return variable && [serverOf(variable.value, `The environment variable ${variable.name}`, true)]
}
