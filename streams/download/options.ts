/** What can be said of a download, and what it tells. */
import { count, flag, HttpError, HttpHeaders, milliseconds, type Check } from '../../src/index.ts'
import type { Call } from '../again/asked.ts'
import { BACKOFF, BACKOFF_CHECKS, type BackoffOptions } from '../again/backoff.ts'
import { settle } from '../again/settings.ts'
import { split } from '../again/split.ts'
import { toHex, type Verify } from './digest.ts'
import { MOST_RANGES } from './range.ts'

/** Options of `download`, beside those of the call. Bad input fails with `CONFIG`. */
export interface DownloadOptions {
  /** Replaces a file that is there already, and a link itself, not what it leads to. Default `false`: that is an error, before anything is sent. */
  readonly overwrite?: boolean | undefined
  /**
   * Keeps what has come when the download is left or fails, for a later one of the same url and file to go on with, where
   * the server lets that be known (a strong validator and a length). Default `false`: nothing is left behind. What a
   * killed process leaves is gone on with in any case.
   */
  readonly keep?: boolean | undefined
  /**
   * What the file must be: its SHA-256 or SHA-512 as hex or base64. What the server says of it by `Repr-Digest` and
   * `Content-Digest` (RFC 9530) is compared in any case, unless it is `false`, or the body is encoded. Default `true`: what the server says.
   */
  readonly verify?: Verify | undefined
  /**
   * How many ranges are fetched at the same time, 1 to 16, of at least 1 MiB each. Only where the server offers ranges, with
   * a strong validator and a known length; else it is one. Default 1.
   */
  readonly ranges?: number | undefined
  /** Further attempts at most in a row that bring less than 64 KiB each; of each range. Also how often it may start over. Default 10. */
  readonly times?: number | undefined
  /** How long to wait before each; `first` is 100 here unless said otherwise. */
  readonly backoff?: BackoffOptions | undefined
  /** The least time between two events of progress, in milliseconds; 0 tells of every chunk. Default 100. */
  readonly interval?: number | undefined
  /** The permissions of the file, of which the umask of the process takes its part, from its first byte on. Default `0o666`. */
  readonly mode?: number | undefined
}

/** What a download tells. */
export type DownloadEvent =
  /** How many bytes are in the file; only a start over makes them fewer. `total` is missing where the server does not say. */
  | { readonly type: 'progress'; readonly loaded: number; readonly total: number | undefined }
  /** It broke off and goes on after so many milliseconds. */
  | { readonly type: 'waiting'; readonly delay: number; readonly reason: string; readonly error: unknown }
  /** It goes on behind `from` bytes that were there already. */
  | { readonly type: 'resumed'; readonly from: number; readonly total: number | undefined }
  /** It begins anew: what came before (`dropped` bytes) is no part of what the server has now. */
  | { readonly type: 'restarted'; readonly dropped: number; readonly because: string }
  /** The file is there, whole. The last event. */
  | {
      readonly type: 'done'
      readonly file: string
      readonly size: number
      /** The SHA-256 of the file as hex. */
      readonly sha256: string
      /** What it was compared with: `sha-256`, `sha-512`, or nothing. */
      readonly verified: readonly string[]
    }

/** The options, settled. */
export interface Settled {
  readonly overwrite: boolean
  readonly keep: boolean
  readonly verify: Verify
  readonly ranges: number
  readonly times: number
  readonly backoff: typeof BACKOFF
  readonly interval: number
  readonly mode: number
}

const digests: Check = value => {
  if (typeof value === 'boolean') return undefined
  const wanted = 'true, false, or an object with the sha256 or sha512 of the file as hex or base64'
  if (typeof value !== 'object' || value === null) return wanted
  const entries = Object.entries(value).filter(([, text]) => text !== undefined)
  const fine = entries.every(([name, text]) => {
    const bytes = name === 'sha256' ? 32 : name === 'sha512' ? 64 : 0
    return typeof text === 'string' && toHex(text, bytes) !== undefined
  })
  return fine && entries.length > 0 ? undefined : wanted
}

const CHECKS = {
  overwrite: flag,
  keep: flag,
  verify: digests,
  ranges: (value: unknown) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_RANGES
      ? undefined
      : `a whole number from 1 to ${MOST_RANGES}`,
  times: count,
  // Its parts are looked at one by one.
  backoff: () => undefined,
  interval: milliseconds,
  mode: (value: unknown) =>
    Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0o777
      ? undefined
      : 'permissions from 0 to 0o777',
}

const DEFAULTS: Settled = {
  overwrite: false,
  keep: false,
  verify: true,
  ranges: 1,
  times: 10,
  backoff: BACKOFF,
  interval: 100,
  mode: 0o666,
}

/** Tells the options of a download from those of its calls, and checks them. Throws `CONFIG`. */
export function settled(given: DownloadOptions | undefined): {
  readonly options: Settled
  readonly call: Call
} {
  const { settled: said, call } = split('download', given, DEFAULTS, CHECKS)
  const backoff = settle('download({ backoff })', { ...BACKOFF, first: 100 }, BACKOFF_CHECKS, given?.backoff)
  const headers = HttpHeaders.of(call.headers)
  const foreign =
    ['method', 'body'].find(name => Object.hasOwn(call, name)) ?? ['range', 'if-range'].find(name => headers.has(name))
  if (foreign !== undefined) {
    throw new HttpError('CONFIG', `A download is a GET that asks for ranges by itself; leave out the ${foreign}.`, {
      phase: 'config',
    })
  }
  return { options: { ...said, backoff }, call }
}
