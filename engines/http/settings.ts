/** What the parts of the engine need to know of the options. */
import type { ClientRequest } from 'node:http'
import type { KeepSettings } from '../pool/options.ts'
import type { PoolSettings } from '../pool/settings.ts'

/** When a body waits to be asked for, with every default filled in. */
export interface Expecting {
  /** Bodies of so many bytes or more, and those of unknown length. */
  readonly from: number
  /** How long they wait at most, in milliseconds. */
  readonly wait: number
}

/** The options of the engine that are not those of connecting, with every default filled in. */
export interface Settings extends PoolSettings, KeepSettings {
  readonly expectContinue: Expecting | undefined
  readonly tolerant: boolean
  readonly configure: ((request: ClientRequest) => void) | undefined
}
