/** From what somebody chose to the ways to try. */
import { config } from '../../src/index.ts'
import type { ProxyChain, ProxyChoice, ProxyUrl, ProxyWay } from './options.ts'
import { serverOf, type Server } from './server.ts'

/** The proxies on the way, the one that is connected to first; none for the direct way. */
export type Way = readonly Server[]

/** Reads a choice. Throws `CONFIG`, saying `where` it stood and not what it was. */
export function waysOf(choice: ProxyChoice, where: string): readonly Way[] {
  if (!isList(choice)) return [wayOf(choice, where)]
  if (choice.length > 0) return choice.map((way, at) => wayOf(way, `${where}[${at}]`))
  throw config(`${where} is an empty list; write false for the direct way.`)
}

function wayOf(way: ProxyWay, where: string): Way {
  if (way === false) return []
  if (!isChain(way)) return [serverOf(way, where)]
  const { chain } = way as { readonly chain: unknown }
  if (Array.isArray(chain) && chain.length === 2) {
    return (chain as readonly ProxyUrl[]).map((url, at) => serverOf(url, `${where}.chain[${at}]`))
  }
  throw config(`${where}.chain must be a list of two proxies, the one that is connected to first.`)
}

function isList(choice: ProxyChoice): choice is readonly ProxyWay[] {
  return Array.isArray(choice)
}

function isChain(way: ProxyWay): way is ProxyChain {
  return typeof way === 'object' && (way as object | null) !== null && Object.hasOwn(way, 'chain')
}
