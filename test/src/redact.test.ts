import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { inspectAsJson, isSensitive, redacted, redactUrl } from '../../src/redact.ts'

describe('isSensitive', () => {
  it.each([
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'x-api-key',
    'X-Auth-Token',
    'client_secret',
    'password',
    'x-session-id',
    'x-amz-signature',
    'credentials',
    'cf-access-jwt-assertion',
    'client_assertion',
    'X-JWT',
  ])('counts %s as sensitive', name => {
    expect(isSensitive(name)).toBe(true)
  })

  it.each(['accept', 'content-type', 'etag', 'x-request-id'])('shows %s', name => {
    expect(isSensitive(name)).toBe(false)
  })
})

describe('redacted', () => {
  it('keeps the length only', () => {
    expect(redacted('s3cret')).toBe('<redacted:6>')
  })
})

describe('redactUrl', () => {
  it.each([
    ['https://api.test/users/7', 'https://api.test/users/7'],
    ['https://api.test/users/@me', 'https://api.test/users/@me'],
    ['https://api.test/a@b/c?x', 'https://api.test/a@b/c?x'],
    ['https://ada:pw@api.test/', 'https://api.test/'],
    ['https://ada@api.test/', 'https://api.test/'],
    ['https://ada:p@w@api.test/', 'https://api.test/'],
    ['//ada:pw@api.test/', '//api.test/'],
    ['\\\\ada:pw@api.test/', '\\\\api.test/'],
    ['https://api.test/#token=s3cret', 'https://api.test/'],
    ['https://api.test/?q=cats', 'https://api.test/?q=<redacted:4>'],
    [
      'https://api.test/?q=cats&token=a=b&empty=&flag',
      'https://api.test/?q=<redacted:4>&token=<redacted:3>&empty=<redacted:0>&flag',
    ],
    ['users?token=s3cret', 'users?token=<redacted:6>'],
  ])('shows %s as %s', (url, expected) => {
    expect(redactUrl(url)).toBe(expected)
  })

  it('keeps what was redacted before', () => {
    const once = redactUrl('https://api.test/?q=cats')
    expect(redactUrl(once)).toBe(once)
  })

  it('shows the values of the names it is told', () => {
    expect(redactUrl('https://api.test/?page=2&token=x', ['page'])).toBe('https://api.test/?page=2&token=<redacted:1>')
  })

  it('is linear in the length of what it is given', () => {
    const long = `https://${'a:'.repeat(50_000)}?${'='.repeat(50_000)}${'&a='.repeat(50_000)}`
    const start = performance.now()
    redactUrl(long)
    expect(performance.now() - start).toBeLessThan(1_000)
  })
})

describe('inspectAsJson', () => {
  it('lets console.log show what toJSON() shows', () => {
    class Vault {
      readonly secret = 's3cret'
      toJSON(): object {
        return { secret: redacted(this.secret) }
      }
    }
    inspectAsJson(Vault.prototype)
    expect(inspect({ deep: [new Vault()] }, { depth: 10 })).toBe("{ deep: [ { secret: '<redacted:6>' } ] }")
  })
})
