/** What can be said of a resumable upload, and what it tells. */
import { count, HttpError, milliseconds, optional, type Check } from '../../src/index.ts'
import type { Call } from '../again/asked.ts'
import { BACKOFF, BACKOFF_CHECKS, type BackoffOptions } from '../again/backoff.ts'
import { settle } from '../again/settings.ts'
import { split } from '../again/split.ts'

/** Options of `tusUpload`, beside those of the call. Bad input throws `CONFIG`. */
export interface TusOptions {
  /** An upload that was begun before, as told by `created`: what the server has of it is not sent again. Default: a new one. */
  readonly uploadUrl?: string | URL | undefined
  /** What the server shall know of a new upload, as in `{ filename: file.name, filetype: file.type }`. Names are ASCII without spaces and commas. */
  readonly metadata?: Readonly<Record<string, string>> | undefined
  /**
   * The most bytes of one request, at least 1. Default: all that is left. Only for servers, or proxies before them, that limit
   * requests or keep nothing of one that broke off.
   */
  readonly chunkSize?: number | undefined
  /** Further attempts at most in a row after which the server has no more than it ever had. Default 10. */
  readonly times?: number | undefined
  /** How long to wait before each; `first` is 100 here unless said otherwise. */
  readonly backoff?: BackoffOptions | undefined
  /** The least time between two events of progress, in milliseconds; 0 tells of all. Default 100. */
  readonly interval?: number | undefined
}

/** What an upload tells. */
export type TusEvent =
  /** The server has a place for it. Keep the url: with it another process can go on. `expires`: milliseconds since the epoch. */
  | { readonly type: 'created'; readonly uploadUrl: string; readonly expires: number | undefined }
  /** How far it is; less than before only after `resumed` or `restarted`. `stored` is what the server has confirmed. */
  | { readonly type: 'progress'; readonly loaded: number; readonly stored: number; readonly total: number }
  /** It broke off and goes on after so many milliseconds. */
  | { readonly type: 'waiting'; readonly delay: number; readonly reason: string; readonly error: unknown }
  /** The server says that it has so many bytes: it goes on from there. */
  | { readonly type: 'resumed'; readonly from: number }
  /** The server no longer has what it was given (`dropped` bytes): it begins anew, with another `created`. */
  | { readonly type: 'restarted'; readonly dropped: number }
  /** The server has all of it. The last event. */
  | { readonly type: 'done'; readonly uploadUrl: string; readonly size: number }

/** The options, settled. */
export interface Settled {
  readonly uploadUrl: URL | undefined
  readonly metadata: string
  readonly chunkSize: number
  readonly times: number
  readonly backoff: typeof BACKOFF
  readonly interval: number
}

const address: Check = value =>
  (typeof value === 'string' && /^https?:/i.test(value) && URL.canParse(value)) || value instanceof URL
    ? undefined
    : 'an absolute url'
const pairs: Check = value => {
  const wanted = 'an object of strings, whose names are ASCII without spaces and commas'
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return wanted
  const fine = Object.entries(value).every(
    ([name, text]) => /^[\x21-\x2b\x2d-\x7e]+$/.test(name) && typeof text === 'string',
  )
  return fine ? undefined : wanted
}
const positive: Check = value =>
  Number.isSafeInteger(value) && (value as number) >= 1 ? undefined : 'a whole number of bytes of at least 1'

const DEFAULTS: TusOptions = {
  uploadUrl: undefined,
  metadata: undefined,
  chunkSize: undefined,
  times: 10,
  backoff: undefined,
  interval: 100,
}

/** Tells the options of an upload from those of its calls, and checks them. Throws `CONFIG`. */
export function settled(given: object | undefined): { readonly options: Settled; readonly call: Call } {
  const { settled: said, call } = split('tusUpload', given, DEFAULTS, {
    uploadUrl: optional(address),
    metadata: optional(pairs),
    chunkSize: optional(positive),
    times: count,
    // Its parts are looked at one by one.
    backoff: () => undefined,
    interval: milliseconds,
  })
  const foreign = ['method', 'body'].find(name => Object.hasOwn(call, name))
  if (foreign !== undefined) {
    throw new HttpError('CONFIG', `tusUpload() has methods and bodies of its own; leave out the ${foreign}.`, {
      phase: 'config',
    })
  }
  const { uploadUrl, metadata = {}, chunkSize = Infinity, times = 0, interval = 0 } = said
  const options = {
    uploadUrl: uploadUrl === undefined ? undefined : new URL(uploadUrl),
    metadata: Object.entries(metadata)
      .map(([name, text]) => (text === '' ? name : `${name} ${base64(text)}`))
      .join(','),
    chunkSize,
    times,
    backoff: settle('tusUpload({ backoff })', { ...BACKOFF, first: 100 }, BACKOFF_CHECKS, said.backoff),
    interval,
  }
  return { options, call }
}

function base64(text: string): string {
  return btoa(Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join(''))
}
