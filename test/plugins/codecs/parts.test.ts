import fc from 'fast-check'
import { firstValueFrom, lastValueFrom, toArray } from 'rxjs'
import { createClient, isHttpError, type Part } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { codecs } from 'sluice/plugins/codecs'
import { multipart } from 'sluice/streams/multipart'
import { expect, it } from 'vitest'

/** What bodies of many parts are made of, right and wrong. */
const PIECES = [
  '\r\n',
  '\r\n\r\n',
  '--b',
  '\r\n--b',
  '\r\n--b--',
  '--',
  '\r',
  '\n',
  ' ',
  '\t',
  'x: y',
  'a',
  ':',
  '--bb',
]

type Seen = readonly (readonly [headers: string, body: string])[] | string

const headers = { 'content-type': 'multipart/mixed; boundary=b' }

function shown(parts: readonly Part[]): Seen {
  return parts.map(part => [part.headers.flat.join('|'), part.text()] as const)
}

async function outcome(read: () => Promise<readonly Part[]>): Promise<Seen> {
  try {
    return shown(await read())
  } catch (error) {
    if (isHttpError(error)) return error.code
    throw error
  }
}

it('are those the reader of live answers finds, whatever a body is made of', async () => {
  const body = fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }).map(pieces => pieces.join(''))
  const framed = fc.tuple(fc.boolean(), body, fc.boolean())
  let sent = new Uint8Array()
  const client = createClient({ engine: mock({ '*': () => ({ headers, body: sent }) }), plugins: [codecs()] })
  await fc.assert(
    fc.asyncProperty(framed, async ([begun, middle, ended]) => {
      sent = new TextEncoder().encode(`${begun ? '--b\r\n' : ''}${middle}${ended ? '\r\n--b--' : ''}`)
      const url = 'https://api.test/'
      const whole = await outcome(async () => (await firstValueFrom(client.get(url))).value<Part[]>())
      const live = await outcome(() => lastValueFrom(client.stream(url, multipart()).pipe(toArray())))
      expect(whole).toEqual(live)
    }),
    { numRuns: 1500, seed: 6 },
  )
}, 60_000)
