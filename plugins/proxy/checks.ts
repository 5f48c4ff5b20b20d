/** Checks of the options. Those of proxies throw by themselves: what is no url may have a password anywhere in it. */
import { HttpError, type Check } from '../../src/index.ts'
import { waysOf } from './choice.ts'
import { EnvironmentProxies, processEnvironment } from './environment.ts'
import { Hosts } from './hosts.ts'
import type { Environment, ProxyChoice, ProxyTls } from './options.ts'

/** Wants a proxy, several, or false. */
export const url: Check = value => {
  waysOf(value as ProxyChoice, 'proxy({ url })')
  return undefined
}

/** Wants choices by lists of hosts. */
export const rules: Check = value => {
  if (!isRecord(value)) return "an object of proxies by host, as in { '*.internal': false }"
  for (const [list, choice] of Object.entries(value)) {
    const where = `proxy({ rules })[${JSON.stringify(list)}]`
    const [unknown] = new Hosts(list).unknown
    if (unknown !== undefined || list.trim() === '') {
      throw new HttpError(
        'CONFIG',
        `${where} is no rule: ${JSON.stringify(unknown ?? list)} is no host; write '*', 'api.test', '*.internal', '10.0.0.0/8' or 'https://api.test:8443'.`,
        { phase: 'config' },
      )
    }
    waysOf(choice as ProxyChoice, where)
  }
  return undefined
}

/** Wants true, false or variables, and proxies in them that can be used. */
export const environment: Check = value => {
  if (typeof value === 'boolean') {
    if (value) new EnvironmentProxies(processEnvironment())
    return undefined
  }
  if (!isRecord(value) || Object.values(value).some(one => one !== undefined && typeof one !== 'string')) {
    return 'true for the environment of the process, false, or an object of variables'
  }
  new EnvironmentProxies(value as Environment)
  return undefined
}

const TLS: Readonly<Record<keyof ProxyTls, true>> = {
  ca: true,
  cert: true,
  key: true,
  pfx: true,
  passphrase: true,
  servername: true,
  ciphers: true,
  minVersion: true,
  maxVersion: true,
  pins: true,
  dangerouslyAcceptAnyCertificate: true,
}

/** Wants TLS options by the names they have at the engines. */
export const tls: Check = value =>
  isRecord(value) && Object.keys(value).every(name => Object.hasOwn(TLS, name))
    ? undefined
    : `an object of ${Object.keys(TLS).join(', ')}`

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
