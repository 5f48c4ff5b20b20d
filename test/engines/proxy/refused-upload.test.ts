/** A body that a proxy refused with 407. squid 5 says that it keeps the connection, and then never reads from it again. */
import type { Body } from 'sluice'
import { expect, it } from 'vitest'
import { describeEngines, open } from '../../support/proxied-engines.ts'
import { scriptedProxy } from '../../support/scripted-proxy.ts'
import { refusal, sent } from '../../support/send.ts'

const URL = 'http://api.sluice.test/users'
const CHALLENGE =
  'HTTP/1.1 407 Who\r\nProxy-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 0\r\n\r\n'

const bodies: [string, Body][] = [
  ['of known length', 'a body'],
  [
    'in pieces',
    async function* () {
      yield new Uint8Array(3)
    },
  ],
]

describeEngines('a refused body', () => {
  it.each(bodies)('%s goes over another connection the next time', async (_, body) => {
    // Whoever was refused is not read any more.
    await using proxy = await scriptedProxy(({ number }) => socket => {
      socket.write(number === 1 ? CHALLENGE : 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntaken')
    })
    const route = { hops: [proxy.hop({ credentials: { username: 'ada', password: 'pw' } })], tunnel: false }
    expect((await sent(open(), URL, { method: 'POST', body, route })).text).toBe('taken')
    expect(proxy.asked.map(({ headers }) => headers['proxy-authorization']?.split(' ')[0])).toEqual(['Basic', 'Digest'])
    await expect.poll(() => proxy.open, { interval: 1 }).toBe(1)
  })

  it('leaves no connection behind when it is given up', async () => {
    await using proxy = await scriptedProxy(() => socket => {
      socket.write(CHALLENGE)
    })
    const error = await refusal(open(), URL, {
      method: 'POST',
      body: 'a body',
      route: { hops: [proxy.hop()], tunnel: false },
    })
    expect(error.code).toBe('PROXY')
    await proxy.idle()
  })
})
