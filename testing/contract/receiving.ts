/** Contract: what an engine makes of answers. */
import assert from 'node:assert/strict'
import { firstValueFrom } from 'rxjs'
import { reply } from '../serve/reply.ts'
import type { Case } from './case.ts'
import { settled, watch } from './watch.ts'

const MIB = 1024 * 1024

/** What an engine makes of answers. */
export const receiving: readonly Case[] = [
  {
    title: 'treats every status as a value',
    async run({ client, serve }) {
      const server = await serve({
        'GET /:status': ({ params }) => reply.text('x', { status: Number(params['status']) }),
      })
      const http = client(server.url)
      for (const status of [200, 299, 400, 404, 500, 503, 599]) {
        const response = await firstValueFrom(http.get(String(status)))
        assert.equal(response.status, status)
        assert.equal(response.text(), 'x')
      }
    },
  },
  {
    title: 'follows no redirect',
    unless: ['redirects'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.redirect('/elsewhere'), 'GET /elsewhere': reply.text('no') })
      const response = await firstValueFrom(client(server.url).get(''))
      assert.equal(response.status, 302)
      assert.equal(response.headers.get('location'), '/elsewhere')
      assert.equal(server.requests.length, 1)
    },
  },
  {
    title: 'keeps no cookie, and keeps every Set-Cookie apart',
    unless: ['cookies'],
    async run({ client, serve }) {
      const cookies = ['a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT', 'b=2', 'c=3']
      const server = await serve({ 'GET /': { headers: { 'set-cookie': cookies } } })
      const http = client(server.url)
      const response = await firstValueFrom(http.get(''))
      assert.deepEqual(response.headers.getAll('set-cookie'), cookies)
      await firstValueFrom(http.get(''))
      assert.equal(server.requests[1]?.headers['cookie'], undefined)
    },
  },
  {
    title: 'keeps header lines of the same name',
    async run({ client, serve }) {
      const server = await serve({
        'GET /': {
          headers: [
            ['x-many', 'one'],
            ['X-Many', 'two'],
            ['x-empty', ''],
          ],
        },
      })
      const { headers } = await firstValueFrom(client(server.url).get(''))
      assert.equal(headers.get('x-many'), 'one, two')
      assert.equal(headers.get('x-empty'), '')
      assert.equal(headers.get('x-missing'), undefined)
    },
  },
  {
    title: 'expects no body after HEAD, 204 and 304, and uses the connection again',
    async run({ client, serve }) {
      const server = await serve({
        'HEAD /': { headers: { 'content-length': '1000' } },
        'GET /204': reply.status(204),
        'GET /304': { status: 304, headers: { 'content-length': '1000', etag: '"x"' } },
        'GET /': reply.text('whole'),
      })
      const http = client(server.url)
      const head = await firstValueFrom(http.head(''))
      assert.equal(head.headers.get('content-length'), '1000')
      for (const response of [head, await firstValueFrom(http.get('204')), await firstValueFrom(http.get('304'))]) {
        assert.equal(response.bytes.length, 0)
      }
      assert.equal((await firstValueFrom(http.get(''))).text(), 'whole')
      assert.equal(server.requests.length, 4)
    },
  },
  {
    title: 'reports informational answers before the final one',
    needs: ['informational'],
    async run({ client, serve }) {
      const informational = [{ status: 103, headers: { link: '</a.css>; rel=preload' } }, { status: 102 }]
      const server = await serve({ 'GET /': { informational, body: 'final' } })
      const events = watch(client(server.url).events(''))
      await events.ended
      assert.equal(events.error, undefined)
      const seen = events.values.filter(event => event.type === 'informational')
      assert.deepEqual(
        seen.map(({ status }) => status),
        [103, 102],
      )
      assert.equal(seen[0]?.headers.get('link'), '</a.css>; rel=preload')
      const last = events.values.at(-1)
      assert.equal(last?.type === 'response' && last.response.text(), 'final')
    },
  },
  {
    title: 'reports trailers',
    needs: ['trailers'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': { body: 'x', trailers: { 'x-sum': '42' } } })
      const response = await firstValueFrom(client(server.url).get(''))
      assert.equal(response.trailers.get('x-sum'), '42')
    },
  },
  {
    title: 'stops the peer while nobody reads',
    needs: ['backPressure'],
    async run({ client, serve, protocol }) {
      const server = await serve({ 'GET /': reply.bytes(512 * MIB) })
      const { subscription } = watch(
        client(server.url).stream('', async function* (response) {
          yield await response.read()
          await new Promise(() => {}) // Reads no more until it is unsubscribed.
        }),
      )
      await server.received()
      const sent = await settled(() => server.requests[0]?.bytesOut ?? 0)
      const most = protocol === 'http/1.1' ? 8 * MIB : MIB
      assert.ok(sent > 0 && sent <= most, `${sent} bytes left the server for a reader that reads none`)
      subscription.unsubscribe()
      await server.until(({ requests }) => requests[0]?.brokenAt)
    },
  },
  {
    title: 'goes on where it stopped when the reader comes back',
    needs: ['backPressure'],
    async run({ client, serve }) {
      const server = await serve({ 'GET /': reply.bytes(24 * MIB) })
      const read = client(server.url).stream('', async function* (response) {
        let at = 0
        let wrong = 0
        for await (const bytes of response) {
          if (at < MIB) await new Promise(resolve => setImmediate(resolve))
          for (let index = 0; index < bytes.length; index += 4099) if (bytes[index] !== (at + index) % 256) wrong++
          at += bytes.length
        }
        yield { at, wrong }
      })
      assert.deepEqual(await firstValueFrom(read), { at: 24 * MIB, wrong: 0 })
    },
  },
]
