import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { challengesOf, type Challenge } from '../../../../engines/connector/proxy/challenge.ts'
import { Digest } from '../../../../engines/connector/proxy/digest.ts'

const read = (...values: string[]): readonly Challenge[] =>
  challengesOf(values.flatMap(value => ['Proxy-Authenticate', value]))

const plain = (all: readonly Challenge[]): unknown[] =>
  all.map(({ scheme, params }) => [scheme, Object.fromEntries(params)])

describe('what a proxy asks for', () => {
  it.each<[string, string[], unknown[]]>([
    ['nothing', [], []],
    ['one way', ['Basic realm="a b"'], [['basic', { realm: 'a b' }]]],
    [
      'several fields',
      ['Negotiate', 'NTLM', 'basic Realm=x'],
      [
        ['negotiate', {}],
        ['ntlm', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    [
      'several in one field',
      ['Digest realm="r", nonce="a,b=\\"c\\"", qop="auth,auth-int" , Basic realm="x", charset="UTF-8"'],
      [
        ['digest', { realm: 'r', nonce: 'a,b="c"', qop: 'auth,auth-int' }],
        ['basic', { realm: 'x', charset: 'UTF-8' }],
      ],
    ],
    [
      'a blob',
      ['Negotiate YII==, Basic realm="x"'],
      [
        ['negotiate', {}],
        ['basic', { realm: 'x' }],
      ],
    ],
    ['spaces around what belongs together', ['Basic realm = "x"'], [['basic', { realm: 'x' }]]],
    ['a name twice: the first one counts', ['Basic realm="x", realm="y"'], [['basic', { realm: 'x' }]]],
    ['empty members', [', ,Basic realm="x",, '], [['basic', { realm: 'x' }]]],
    ['what makes no sense behind what does', ['Basic realm="x", =, Digest'], [['basic', { realm: 'x' }]]],
    ['an open quote', ['Basic realm="x'], [['basic', {}]]],
  ])('%s', (_, values, expected) => {
    expect(plain(read(...values))).toEqual(expected)
  })

  it('is read in no time, however long it is', () => {
    const before = performance.now()
    for (const piece of ['Basic ', 'a="', ',', '\\"', 'x=y,', ' ', '=']) read(piece.repeat(60_000 / piece.length))
    expect(performance.now() - before).toBeLessThan(1000)
  })
})

describe('the answer to a digest', () => {
  const CNONCE = 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
  const MUFASA = { username: 'Mufasa', password: 'Circle of Life' }
  const challenge = (algorithm: string): string =>
    `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`

  const digestOf = (value: string): Digest => {
    const [one] = read(value)
    const digest = one && Digest.of(one)
    if (digest === undefined) throw new Error('it is not understood')
    return digest
  }

  // RFC 7616 §3.9.1
  it.each([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('is that of RFC 7616 for %s', (algorithm, response) => {
    const answer = digestOf(challenge(algorithm)).answer(MUFASA, 'GET', '/dir/index.html', CNONCE)
    expect(answer).toBe(
      `Digest username="Mufasa", realm="http-auth@example.org", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", uri="/dir/index.html", response="${response}", algorithm=${algorithm}, opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS", qop=auth, nc=00000001, cnonce="${CNONCE}"`,
    )
  })

  it('counts how often a nonce was used, and never says the same twice', () => {
    const digest = digestOf(challenge('SHA-256'))
    const answers = Array.from({ length: 3 }, () => digest.answer(MUFASA, 'CONNECT', 'a.test:443'))
    expect(answers.map(answer => /nc=(\d+)/.exec(answer)?.[1])).toEqual(['00000001', '00000002', '00000003'])
    expect(new Set(answers.map(answer => /cnonce="([^"]+)"/.exec(answer)?.[1])).size).toBe(3)
  })

  it('is that of RFC 2069 where the proxy knows no better', () => {
    const answer = digestOf('Digest realm="r", nonce="n"').answer(MUFASA, 'CONNECT', 'a.test:443')
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
    const response = md5(`${md5('Mufasa:r:Circle of Life')}:n:${md5('CONNECT:a.test:443')}`)
    expect(answer).toBe(`Digest username="Mufasa", realm="r", nonce="n", uri="a.test:443", response="${response}"`)
  })

  it('makes a key of its own for a session', () => {
    const answer = digestOf('Digest realm="r", nonce="n", qop=auth, algorithm=SHA-256-sess').answer(
      MUFASA,
      'CONNECT',
      'a.test:443',
      'c',
    )
    const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
    const a1 = sha(`${sha('Mufasa:r:Circle of Life')}:n:c`)
    expect(answer).toContain(`response="${sha(`${a1}:n:00000001:c:auth:${sha('CONNECT:a.test:443')}`)}"`)
  })

  it('hides the user where the proxy wants that', () => {
    const answer = digestOf('Digest realm="r", nonce="n", qop=auth, userhash=true').answer(MUFASA, 'GET', '/')
    expect(answer).toContain(`username="${createHash('md5').update('Mufasa:r').digest('hex')}"`)
    expect(answer).toContain('userhash=true')
  })

  it('cannot be used to smuggle anything', () => {
    const digest = digestOf('Digest realm="r\\"", nonce="n", qop=auth')
    const odd = digest.answer({ username: 'a"\\b', password: 'p' }, 'GET', '/')
    expect(odd).toContain(String.raw`username="a\"\\b", realm="r\""`)
    const line = digest.answer({ username: "ä\r\nx: y'", password: 'p' }, 'GET', '/')
    expect(line).toContain("username*=UTF-8''%C3%A4%0D%0Ax%3A%20y%27,")
    expect(line).not.toMatch(/[\r\n]/)
  })

  it.each([
    'Digest realm="r"',
    'Digest realm="r", nonce="n", algorithm=SHA-512-256',
    'Digest realm="r", nonce="n", qop="auth-int"',
    'Basic realm="r", nonce="n"',
  ])('is not given to %s', value => {
    const [one] = read(value)
    expect(one && Digest.of(one)).toBeUndefined()
  })
})
