/** Contract: what an engine makes of answers that break off, or are none. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import type { ErrorCode, Phase } from '../../src/errors.ts'
import type { Break, Fault, FaultPlace } from '../serve/fault.ts'
import { reply, type Reply } from '../serve/reply.ts'
import type { Case, Need } from './case.ts'
import { failure } from './watch.ts'

interface Broken {
  readonly what: string
  readonly answer: Reply
  readonly code: ErrorCode
  readonly phase: Phase
  readonly needs?: readonly Need[]
  readonly unless?: NonNullable<Case['unless']>
  /** What the error must say of HTTP/2. */
  readonly h2Code?: number
}

/** A connection that ends where it should not. */
function cut(kind: 'fin' | 'reset', at: FaultPlace, bytes?: number): Break {
  return { kind, at, scope: 'connection', ...(bytes === undefined ? {} : { bytes }) }
}

/** A stream that is reset. */
function rst(code: number, at: FaultPlace): { answer: Reply; h2Code: number; needs: readonly Need[] } {
  const fault: Fault = { kind: 'reset', at, code, bytes: 100 }
  return { answer: reply.bytes(1000, { framing: 'chunked', fault }), h2Code: code, needs: ['http/2'] }
}

const before = { code: 'RESET', phase: 'headers' } as const
const within = { code: 'BODY', phase: 'body' } as const
const long = { body: 'x'.repeat(1000) }
const unknown = (fault: Fault): Reply => reply.bytes(100_000, { framing: 'chunked', fault })
const HEAD = 'HTTP/1.1 200 OK\r\n'

const all: readonly Broken[] = [
  { what: 'a connection closed before an answer', answer: { fault: cut('fin', 'before-head') }, ...before },
  { what: 'a connection reset before an answer', answer: { fault: cut('reset', 'before-head') }, ...before },
  {
    what: 'a head that breaks off',
    answer: { ...long, fault: cut('fin', 'mid-head') },
    ...before,
    unless: ['parsing'],
  },
  { what: 'a head in which the connection is reset', answer: { ...long, fault: cut('reset', 'mid-head') }, ...before },
  { what: 'a body that breaks off', answer: { ...long, fault: cut('fin', 'mid-body', 10) }, ...within },
  {
    what: 'a body in which the connection is reset',
    answer: { ...long, fault: cut('reset', 'mid-body', 10) },
    ...within,
  },
  {
    what: 'a body shorter than announced',
    answer: { body: 'abc', headers: { 'content-length': '10' }, close: true },
    ...within,
  },
  {
    what: 'a body of unknown length without its end',
    answer: unknown(cut('fin', 'mid-body', 5000)),
    ...within,
  },
  {
    what: 'a body of unknown length that is reset',
    answer: unknown(cut('reset', 'mid-body', 5000)),
    ...within,
  },
  {
    what: 'a head of 100 KB',
    answer: { headers: { x: Array<string>(25).fill('y'.repeat(4000)) } },
    code: 'TOO_LARGE',
    phase: 'headers',
  },
  {
    what: 'something that is no HTTP',
    answer: { raw: 'SSH-2.0-OpenSSH_9.9\r\n', close: true },
    code: 'PROTOCOL',
    phase: 'headers',
  },
  {
    what: '101 that nobody asked for',
    answer: { status: 101, headers: {} },
    code: 'PROTOCOL',
    phase: 'headers',
    unless: ['parsing'],
  },
  {
    what: 'a chunk whose size is none',
    answer: { raw: `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n` },
    code: 'PROTOCOL',
    phase: 'body',
    needs: ['http/1.1'],
  },
  {
    what: 'two lengths that differ',
    answer: { raw: `${HEAD}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd` },
    code: 'PROTOCOL',
    phase: 'headers',
    needs: ['http/1.1'],
  },
  { what: 'a stream reset before an answer', ...before, ...rst(2, 'before-head') },
  { what: 'a stream reset in the body with INTERNAL_ERROR', ...within, ...rst(2, 'mid-body') },
  { what: 'a stream reset in the body with CANCEL', ...within, ...rst(8, 'mid-body') },
]

/** What an engine makes of answers that break off. */
export const breaking: readonly Case[] = [
  ...all.flatMap(({ what, answer, code, phase, needs = [], unless = [], h2Code }): Case[] => [
    {
      title: `takes ${what} for an error`,
      needs,
      unless,
      async run({ client, serve }) {
        const server = await serve({ 'POST /': answer })
        // POST is not sent again, whatever happens.
        const error = await failure(client(server.url).post('', 'x'))
        assert.equal(error.request?.method, 'POST')
        assert.equal(server.requests.length, 1, 'it was sent more than once')
      },
    },
    {
      title: `reports ${what} as ${code}`,
      needs,
      unless: [...unless, 'failures'],
      async run({ client, serve }) {
        const server = await serve({ 'POST /': answer })
        const error = await failure(client(server.url).post('', 'x'))
        assert.equal(`${error.code} ${error.phase}`, `${code} ${phase}`, error.message)
        assert.notEqual(error.requestWritten, 'no', 'it says that nothing was written')
        if (h2Code !== undefined) assert.equal(error.h2Code, h2Code)
      },
    },
  ]),
  {
    title: 'takes a body for whole whose connection ends right behind it, however slow its reader',
    needs: ['backPressure'],
    async run({ client, serve, protocol }) {
      const framings =
        protocol === 'http/1.1' ? (['length', 'chunked', 'close'] as const) : (['length', 'chunked'] as const)
      for (let round = 0; round < 30; round++) {
        const framing = framings[round % framings.length] ?? 'length'
        const server = await serve({ 'GET /': reply.bytes(300_000, { framing, fault: cut('fin', 'after-body') }) })
        const slowly = client(server.url).stream('', async function* (response) {
          let size = 0
          for await (const bytes of response) {
            if (size < 150_000) await new Promise(resolve => setTimeout(resolve, 1))
            size += bytes.length
          }
          yield size
        })
        assert.equal(await firstValueFrom(slowly), 300_000)
        await server.close()
      }
    },
  },
  {
    title: 'takes an answer for whole whose connection is reset right behind it',
    async run({ client, serve }) {
      for (let round = 0; round < 20; round++) {
        const server = await serve({ 'GET /': { body: 'x'.repeat(2000), fault: cut('reset', 'after-body') } })
        const response = await firstValueFrom(client(server.url).get(''))
        assert.equal(response.bytes.length, 2000)
        await server.close()
      }
    },
  },
  {
    title: 'reports a refused connection as CONNECT',
    async run({ client, serve }) {
      const server = await serve({})
      await server.close()
      const error = await failure(client(server.url).get(''))
      assert.equal(error.code, 'CONNECT')
      assert.equal(error.phase, 'connect')
    },
  },
  {
    title: 'says that nothing was written when the connection was refused',
    unless: ['failures'],
    async run({ client, serve }) {
      const server = await serve({})
      await server.close()
      assert.equal((await failure(client(server.url).get(''))).requestWritten, 'no')
    },
  },
]
