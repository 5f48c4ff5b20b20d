import { createHash } from 'node:crypto'
import { DigestNonce, parseChallenges, type DigestAlgorithm, type DigestHashing } from 'sluice'
import { describe, expect, it } from 'vitest'
import { hashing as onNode } from '../../../plugins/hashing/node-hashing.ts'
import { hashing as inBrowsers } from '../../../plugins/hashing/web-hashing.ts'

const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
const MUFASA = { username: 'Mufasa', password: 'Circle of Life' }
const GET = { method: 'GET', target: '/dir/index.html' }
const CONNECT = { method: 'CONNECT', target: 'a.test:443' }

const challenge = (algorithm: string): string =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`

function offerOf(value: string): DigestNonce | undefined {
  const [one] = parseChallenges([value])
  return one && DigestNonce.of(one)
}

function nonceOf(value: string): DigestNonce {
  const nonce = offerOf(value)
  if (nonce === undefined) throw new Error('it is not understood')
  return nonce
}

const NAMES: Record<DigestAlgorithm, string> = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' }
const hash =
  (algorithm: DigestAlgorithm) =>
  (text: string): string =>
    createHash(NAMES[algorithm]).update(text).digest('hex')

describe.each<[string, DigestHashing]>([
  ['OpenSSL', onNode],
  ['@noble/hashes', inBrowsers],
])('the vectors of RFC 7616, hashed by %s', (_, hashing) => {
  // §3.9.1
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('%s', (algorithm, response) => {
    expect(nonceOf(challenge(algorithm)).prove(MUFASA, GET, hashing, CNONCE).value).toBe(
      `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="${response}", algorithm=${algorithm}, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="${CNONCE}"`,
    )
  })

  // §3.9.2 with the values of erratum 4897: those printed in the RFC were cut from SHA-512.
  it.each([
    ['in normal form C', 'J\u00e4s\u00f8n Doe'],
    ['in parts', 'Ja\u0308s\u00f8n Doe'],
  ])('SHA-512-256 with a hashed name %s', (_form, username) => {
    const nonce = nonceOf(
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    )
    const { value } = nonce.prove(
      { username, password: 'Secret, or not?' },
      { method: 'GET', target: '/doe.json' },
      hashing,
      'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v',
    )
    expect(value).toContain('username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"')
    expect(value).toContain('response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"')
    expect(value).toContain('userhash=true')
  })
})

describe('a proof', () => {
  it('counts how often a nonce was used, and never says the same twice', () => {
    const nonce = nonceOf(challenge('SHA-256'))
    const proofs = Array.from({ length: 3 }, () => nonce.prove(MUFASA, CONNECT, onNode).value)
    expect(proofs.map(value => /nc=(\w+)/.exec(value)?.[1])).toEqual(['00000001', '00000002', '00000003'])
    expect(new Set(proofs.map(value => /cnonce="([\da-f]{32})"/.exec(value)?.[1])).size).toBe(3)
  })

  it('is that of RFC 2069 where nobody knows better', () => {
    const { value, expected } = nonceOf('Digest realm="r", nonce="n"').prove(MUFASA, { ...CONNECT, body: 'x' }, onNode)
    const h = hash('md5')
    const key = h('Mufasa:r:Circle of Life')
    expect(value).toBe(
      `Digest username="Mufasa", realm="r", nonce="n", uri="a.test:443", response="${h(`${key}:n:${h('CONNECT:a.test:443')}`)}"`,
    )
    expect(expected('x')).toBe(h(`${key}:n:${h(':a.test:443')}`))
  })

  it.each<[string, DigestAlgorithm]>([
    ['MD5-sess', 'md5'],
    ['SHA-256-sess', 'sha-256'],
    ['sha-512-256-SESS', 'sha-512-256'],
  ])('has a key of its own in a session: %s', (named, algorithm) => {
    const nonce = nonceOf(`Digest realm="r", nonce="n", qop=auth, algorithm=${named}`)
    const h = hash(algorithm)
    const cnonces = new Set<string>()
    for (const count of ['00000001', '00000002']) {
      const { value } = nonce.prove(MUFASA, CONNECT, onNode)
      const cnonce = /cnonce="([^"]+)"/.exec(value)?.[1] ?? ''
      cnonces.add(cnonce)
      const key = h(`${h('Mufasa:r:Circle of Life')}:n:${cnonce}`)
      expect(value).toContain(`response="${h(`${key}:n:${count}:${cnonce}:auth:${h('CONNECT:a.test:443')}`)}"`)
      expect(value).toContain(`algorithm=${named}`)
    }
    // Both who compute the key once and who do so each time (§3.4.2) come to the same.
    expect(cnonces.size).toBe(1)
    const next = nonce.next('m')?.prove(MUFASA, CONNECT, onNode).value ?? ''
    const [cnonce = ''] = cnonces
    const key = h(`${h('Mufasa:r:Circle of Life')}:n:${cnonce}`)
    expect(next).toContain(`response="${h(`${key}:m:00000001:${cnonce}:auth:${h('CONNECT:a.test:443')}`)}"`)
  })

  it('covers the body where its hash is given, and says what the other side has to answer', () => {
    const nonce = nonceOf('Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256')
    const h = hash('sha-256')
    const body = h('hello')
    const { value, expected } = nonce.prove(MUFASA, { method: 'PUT', target: '/x?y', body }, onNode, 'c')
    const key = h('Mufasa:r:Circle of Life')
    expect(value).toContain(`response="${h(`${key}:n:00000001:c:auth-int:${h(`PUT:/x?y:${body}`)}`)}"`)
    expect(value).toContain('qop=auth-int, nc=00000001')
    expect(nonce.prove(MUFASA, GET, onNode, 'c')).toMatchObject({ nc: '00000002', cnonce: 'c' })
    expect(expected(h('bye'))).toBe(h(`${key}:n:00000001:c:auth-int:${h(`:/x?y:${h('bye')}`)}`))
    const plain = nonce.prove(MUFASA, { method: 'PUT', target: '/x?y' }, onNode, 'c')
    expect(plain.expected()).toBe(h(`${key}:n:00000003:c:auth:${h(':/x?y')}`))
  })

  it('hides the user where that is wanted', () => {
    const { value } = nonceOf('Digest realm="r", nonce="n", qop=auth, userhash=TRUE').prove(MUFASA, CONNECT, onNode)
    expect(value).toContain(`username="${hash('md5')('Mufasa:r')}"`)
    expect(value).toContain('userhash=true')
    expect(value).not.toContain('Mufasa')
  })

  it('hashes a realm as the bytes it came in, and a name as UTF-8', () => {
    const { value } = nonceOf('Digest realm="\xc3\xa4\xff", nonce="n"').prove(
      { username: 'a', password: 'ö' },
      CONNECT,
      onNode,
    )
    const md5 = (...parts: (string | Buffer)[]): string => {
      const one = createHash('md5')
      for (const part of parts) one.update(part)
      return one.digest('hex')
    }
    const key = md5('a:', Buffer.from([0xc3, 0xa4, 0xff]), ':ö')
    expect(value).toContain(`response="${md5(`${key}:n:${md5('CONNECT:a.test:443')}`)}"`)
    expect(value).toContain('realm="\xc3\xa4\xff"')
  })

  it('cannot be used to smuggle anything', () => {
    const nonce = nonceOf('Digest realm="r\\"", nonce="n", qop=auth, opaque="o\\\\"')
    const odd = nonce.prove({ username: 'a"\\b', password: 'p' }, GET, onNode).value
    expect(odd).toContain(String.raw`username="a\"\\b", realm="r\""`)
    expect(odd).toContain(String.raw`opaque="o\\"`)
    const line = nonce.prove({ username: "ä\r\nx: y'", password: 'p' }, GET, onNode).value
    expect(line).toContain("username*=UTF-8''%C3%A4%0D%0Ax%3A%20y%27,")
    expect(line).not.toMatch(/[\r\n]/)
    expect(nonce.prove({ username: 'half \ud800', password: 'p' }, GET, onNode).value).toContain('half%20%EF%BF%BD')
  })
})

describe('an offer', () => {
  it.each([
    ['without a nonce', 'Digest realm="r"'],
    ['with a hash nobody should use', 'Digest realm="r", nonce="n", algorithm=SHA-1'],
    ['with SHA-512, which Digest has only cut to 256 bits', 'Digest realm="r", nonce="n", algorithm=SHA-512'],
    ['with nothing to cover that we know', 'Digest realm="r", nonce="n", qop="auth-conf"'],
    ['of something else', 'Basic realm="r", nonce="n"'],
    ['with a nonce that is no field', 'Digest realm="r", nonce="n\x00"'],
    ['with a realm that is no field', 'Digest realm="r\x1b[2J", nonce="n"'],
    [
      'with more to say back than anybody needs',
      `Digest realm="r", nonce="${'n'.repeat(3000)}", opaque="${'o'.repeat(3000)}"`,
    ],
  ])('%s is none', (_, value) => {
    expect(offerOf(value)).toBeUndefined()
  })

  it.each<[string, DigestAlgorithm, number]>([
    ['', 'md5', 0],
    [', algorithm="md5-sess"', 'md5', 0],
    [', algorithm=Sha-256', 'sha-256', 1],
    [', algorithm=SHA-512-256', 'sha-512-256', 2],
  ])('Digest realm="r", nonce="n"%s is by %s', (more, algorithm, strength) => {
    expect(nonceOf(`Digest realm="r", nonce="n"${more}`)).toMatchObject({ algorithm, strength })
  })

  it('of a nonce that is known is the same', () => {
    const one = nonceOf(challenge('SHA-256'))
    expect(one.isSame(nonceOf(challenge('SHA-256')))).toBe(true)
    expect(one.isSame(nonceOf(challenge('MD5')))).toBe(false)
    expect(one.isSame(nonceOf('Digest realm="other", nonce="n"'))).toBe(false)
  })

  it('of the next nonce is none when it cannot be said back', () => {
    const one = nonceOf(challenge('SHA-256'))
    expect(one.next('m')).toMatchObject({ nonce: 'm', realm: 'http-auth@example.org', stale: false })
    for (const nonce of ['', 'n\r\n', 'n'.repeat(5000)]) expect(one.next(nonce)).toBeUndefined()
  })
})
