/** All of sluice that a page can have, under one global name. It is bundled for the browser. */
import * as rxjs from 'rxjs'
import * as core from 'sluice'
import { fetch } from 'sluice/engines/fetch'
import { mock } from 'sluice/engines/mock'
import { xhr } from 'sluice/engines/xhr'
import { toFetch } from 'sluice/fetch'
import { apiKey } from 'sluice/plugins/api-key'
import { basic } from 'sluice/plugins/basic'
import { bearer } from 'sluice/plugins/bearer'
import { cache } from 'sluice/plugins/cache'
import { checksum } from 'sluice/plugins/checksum'
import { codecs } from 'sluice/plugins/codecs'
import { dedupe } from 'sluice/plugins/dedupe'
import { digest } from 'sluice/plugins/digest'
import { encode } from 'sluice/plugins/encode'
import { expectSuccess } from 'sluice/plugins/expect-success'
import { logging } from 'sluice/plugins/logging'
import { problem } from 'sluice/plugins/problem'
import { retry } from 'sluice/plugins/retry'
import { timeout } from 'sluice/plugins/timeout'
import { xsrf } from 'sluice/plugins/xsrf'
import { lines } from 'sluice/streams/lines'
import { ndjson } from 'sluice/streams/ndjson'
import { eventSource, sse } from 'sluice/streams/sse'
import { text } from 'sluice/streams/text'

const plugins = {
  apiKey,
  basic,
  bearer,
  cache,
  checksum,
  codecs,
  dedupe,
  digest,
  encode,
  expectSuccess,
  logging,
  problem,
}
const more = { retry, timeout, xsrf, lines, ndjson, eventSource, sse, text }

/** As in rules.test.ts: the last value, or what an error says. */
function wait(source: rxjs.Observable<unknown>): Promise<unknown> {
  return new Promise(resolve => {
    let last: unknown
    source.subscribe({
      next: value => (last = value),
      error: (error: unknown) => {
        const { code, phase, message } = error as core.HttpError
        resolve({ code, phase, message })
      },
      complete: () => {
        resolve(last)
      },
    })
  })
}

Object.assign(globalThis, { sluice: { ...core, rxjs, fetch, xhr, mock, toFetch, ...plugins, ...more, wait } })
