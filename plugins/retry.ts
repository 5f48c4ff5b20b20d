/** Sends again what failed for a reason that may go away by itself. */
import {
  callback,
  count,
  definePlugin,
  flag,
  limit,
  listOf,
  optional,
  RetryBudget,
  type Check,
  type PluginFactory,
} from '../src/index.ts'
import type { RetryOptions } from './retry/options.ts'
import { Retrying } from './retry/retrying.ts'
import { fullJitter } from './retry/worth.ts'

export type { RetryEvent, RetryOptions } from './retry/options.ts'

const defaults: RetryOptions = {
  times: 2,
  delay: fullJitter,
  statuses: [408, 425, 429, 502, 503, 504],
  methods: ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'],
  idempotencyKey: false,
  retryAfterCap: 60_000,
  budget: undefined,
  when: undefined,
  onRetry: undefined,
}

const status: Check = value =>
  Number.isInteger(value) && (value as number) >= 400 && (value as number) <= 599
    ? undefined
    : 'a status from 400 to 599'
const method: Check = value =>
  typeof value === 'string' && /^[!#$%&'*+\-.^_`|~0-9A-Z]+$/.test(value) ? undefined : 'a method in capitals'
const budget: Check = value =>
  value === false || value instanceof RetryBudget ? undefined : 'a RetryBudget, or false for no bound'

/**
 * Sends again what failed for a reason that may go away by itself: no connection, a connection that broke off, a
 * timeout of one attempt, a truncated body, and the statuses 408, 425, 429, 502, 503 and 504. It waits with full
 * jitter in between, and as long as `Retry-After` says.
 *
 * Only what is safe to repeat is repeated: idempotent methods, requests with an `Idempotency-Key`, and requests that
 * provably never left, each only with a body that can be sent again. Each attempt runs every plugin further in anew.
 * When no further attempt is made, the answer or error of the last one is the call's. A wait that would end after the
 * `deadline` is not begun.
 *
 * Do not use it around something that retries by itself: attempts multiply.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { retry } from 'sluice/plugins/retry'
 *
 * const client = createClient({
 *   plugins: [retry({ times: 3, onRetry: ({ delay, reason }) => console.log(`${reason}: again in ${delay} ms`) })],
 * })
 * client.get('https://api.example.com/users/7').subscribe(response => console.log(response.status))
 * client.post('https://api.example.com/users', { name: 'Ada' }, { retry: { idempotencyKey: true } }).subscribe()
 * ```
 */
export const retry: PluginFactory<'retry', RetryOptions> = definePlugin({
  name: 'retry',
  scope: 'steer',
  inside: { redirect: 'each hop is retried by itself; around redirect, every retry would run all its hops again' },
  defaults,
  check: {
    times: count,
    delay: callback,
    statuses: listOf(status),
    methods: listOf(method),
    idempotencyKey: flag,
    retryAfterCap: limit,
    budget,
    when: optional(callback),
    onRetry: optional(callback),
  },
  install: () => {
    const shared = new RetryBudget()
    return (request, next, options) => new Retrying(request, next, options, options.budget ?? shared).run()
  },
})
