/** Continues a download that broke off where it did. */
import {
  callback,
  count,
  definePlugin,
  limit,
  LIVE,
  RetryBudget,
  type Check,
  type PluginFactory,
} from '../src/index.ts'
import { fullJitter, type ResumeOptions } from './resume/options.ts'
import { Resumed } from './resume/resuming.ts'

export type { ResumeOptions } from './resume/options.ts'

const defaults: ResumeOptions = { times: 5, delay: fullJitter, retryAfterCap: 60_000, budget: undefined }

const budget: Check = value =>
  value === false || value instanceof RetryBudget ? undefined : 'a RetryBudget, or false for no bound'

/**
 * Continues a live body (`client.stream`) that broke off, where it did: the rest is asked for by `Range` and `If-Range`
 * (RFC 9110 §13.1.5, §14), and whoever reads sees bytes that go on. The head stays the first one. Notices tell of it:
 * `resuming`, `resumed`, `gave up`.
 *
 * It continues only what is provably the same bytes: a `GET` without a `Range` of its own, answered 200 with a
 * `Content-Length`, without content coding, and with a strong `ETag`, or a `Last-Modified` at least a minute older than the
 * answer; and only with a 206 that has the same validator, the same total and begins at the byte that is missing. When the
 * server has something else by now, or serves no ranges, the error is the one that broke the body. Ask for
 * `accept-encoding: identity` where a server would compress what you want continued.
 *
 * Not for whole answers (`client.get`), which `retry` asks for again; not for files, which `download` continues also in
 * another process.
 *
 * @example
 * ```ts
 * import { createClient, recommended } from 'sluice'
 * import { resume } from 'sluice/plugins/resume'
 *
 * const client = createClient({ baseUrl: 'https://api.example.com/', plugins: recommended(resume({ times: 8 })) })
 * let size = 0
 * client.stream('breaking.iso', response => response).subscribe({
 *   next: bytes => (size += bytes.length),
 *   complete: () => console.log(size), // 1048576
 * })
 * ```
 */
export const resume: PluginFactory<'resume', ResumeOptions> = definePlugin({
  name: 'resume',
  scope: 'steer',
  inside: {
    redirect: 'a body is continued where it came from; around redirect, the rest could come from another place',
    retry: 'retry decides until the head is there, resume from then on; around retry, both would repeat a continuation',
  },
  defaults,
  check: { times: count, delay: callback, retryAfterCap: limit, budget },
  install: () => {
    const shared = new RetryBudget()
    return (request, next, options) => {
      const fits = request.method === 'GET' && request.read(LIVE) === true && !request.headers.has('range')
      return fits ? new Resumed(request, next, options, options.budget ?? shared) : next(request)
    }
  },
})
