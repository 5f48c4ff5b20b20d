import { HttpHeaders, HttpRequest, isHttpError } from 'sluice'
import { concat, EMPTY, map, NEVER, Observable, of, switchMap, throwError, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Credentials } from '../../../plugins/sigv4/credentials.ts'
import type { AwsCredentials, SigV4Options } from '../../../plugins/sigv4/options.ts'
import { virtually } from '../../support/virtual-time.ts'

const request = new HttpRequest({
  id: 1,
  method: 'GET',
  url: 'https://a.test/',
  headers: HttpHeaders.none,
  body: undefined,
  options: {},
  notes: undefined,
})
const MINUTE = 60_000

type Given = NonNullable<SigV4Options['credentials']>

const key = (id: string, expiration?: number): AwsCredentials => ({
  accessKeyId: id,
  secretAccessKey: 'secret-of-key',
  expiration,
})

/** What each of those who ask, at these times, hears and when. */
function asked(given: Given, ...times: number[]): string[] {
  const heard: string[] = []
  virtually(({ flush }) => {
    const credentials = new Credentials(given)
    for (const time of times) {
      const said = (what: string) => heard.push(`${time}: ${what}`)
      timer(time)
        .pipe(switchMap(() => credentials.get(request)))
        .subscribe({
          next: ({ accessKeyId }) => said(accessKeyId),
          error: (error: unknown) => said(isHttpError(error) ? `${error.code} ${error.message}` : String(error)),
        })
    }
    flush()
  })
  return heard
}

describe('a function is asked', () => {
  it('for every send, when what it gives has no end', () => {
    let count = 0
    expect(asked(() => key(`k${++count}`), 0, 1, 2)).toEqual(['0: k1', '1: k2', '2: k3'])
  })

  it('again five minutes before what it gave expires', () => {
    let count = 0
    const given = () => key(`k${++count}`, count * 60 * MINUTE)
    expect(asked(given, 0, 54 * MINUTE, 55 * MINUTE, 56 * MINUTE)).toEqual([
      '0: k1',
      `${54 * MINUTE}: k1`,
      `${55 * MINUTE}: k2`,
      `${56 * MINUTE}: k2`,
    ])
  })

  it('once for all who wait', () => {
    let count = 0
    const given = () => timer(100).pipe(map(() => key(`k${++count}`)))
    expect(asked(given, 0, 50, 99, 200)).toEqual(['0: k1', '50: k1', '99: k1', '200: k2'])
  })

  it('again after it failed', () => {
    let count = 0
    const given = () => (++count === 1 ? throwError(() => new Error('the secret is s3cr3t')) : of(key('k2')))
    expect(asked(given, 0, 1)).toEqual(['0: CONFIG sigv4({ credentials }) failed for GET https://a.test/.', '1: k2'])
  })

  it('in vain while what it gave is still good', () => {
    let count = 0
    const given = () => (++count === 1 ? of(key('k1', 10 * MINUTE)) : throwError(() => new Error('down')))
    expect(asked(given, 0, 6 * MINUTE, 10 * MINUTE)).toEqual([
      '0: k1',
      `${6 * MINUTE}: k1`,
      `${10 * MINUTE}: CONFIG sigv4({ credentials }) failed for GET https://a.test/.`,
    ])
  })

  it('and may say nothing, or throw, or give what is none', () => {
    const secret = { accessKeyId: 'k', secretAccessKey: 7 } as unknown as AwsCredentials
    const thrower = () => {
      throw new Error('thrown')
    }
    for (const given of [() => EMPTY, thrower, () => secret] as Given[]) {
      expect(asked(given, 0)[0]).toMatch(/^0: CONFIG sigv4\(\{ credentials \}\) (?:gave nothing|failed|must be)/)
    }
  })

  it('for its first value only', () => {
    let left = 0
    const given = () =>
      new Observable<AwsCredentials>(subscriber => {
        subscriber.next(key('first'))
        return () => {
          left++
        }
      })
    expect(asked(given, 0)).toEqual(['0: first'])
    expect(left).toBe(1)
  })
})

it('the last one who leaves stops it, the others do not', () => {
  virtually(({ flush }) => {
    let stopped = 0
    const given = () =>
      new Observable<AwsCredentials>(() => () => {
        stopped++
      })
    const credentials = new Credentials(() => concat(given(), NEVER))
    const one = credentials.get(request).subscribe()
    const two = credentials.get(request).subscribe()
    one.unsubscribe()
    expect(stopped).toBe(0)
    two.unsubscribe()
    expect(stopped).toBe(1)
    flush()
  })
})

describe('what is no credentials is refused without being shown', () => {
  it.each<[name: string, given: object]>([
    ['no key id', { secretAccessKey: 's3cr3t' }],
    ['a key id with a slash', { accessKeyId: 's3cr3t/x', secretAccessKey: 's3cr3t' }],
    ['a key id with a comma', { accessKeyId: 's3cr3t,x', secretAccessKey: 's3cr3t' }],
    ['a key id with a line end', { accessKeyId: 's3cr3t\r\nx: y', secretAccessKey: 's3cr3t' }],
    ['no secret', { accessKeyId: 's3cr3t' }],
    ['an empty secret', { accessKeyId: 's3cr3t', secretAccessKey: '' }],
    ['a token with a line end', { accessKeyId: 'k', secretAccessKey: 's', sessionToken: 's3cr3t\n' }],
    ['an end that is no time', { accessKeyId: 'k', secretAccessKey: 's3cr3t', expiration: 'tomorrow' }],
    ['an end that is no date', { accessKeyId: 'k', secretAccessKey: 's3cr3t', expiration: new Date('s3cr3t') }],
  ])('%s', (_, given) => {
    const [heard] = asked(given as AwsCredentials, 0)
    expect(heard).toMatch(/^0: CONFIG sigv4\(\{ credentials \}\) must be /)
    expect(heard).not.toContain('s3cr3t')
  })
})

it('takes nothing from the prototype of everything', () => {
  const prototype = Object.prototype as { sessionToken?: unknown; expiration?: unknown }
  prototype.sessionToken = 'polluted'
  prototype.expiration = 0
  try {
    virtually(() => {
      new Credentials(key('k')).get(request).subscribe(held => {
        expect(held.sessionToken).toBeUndefined()
        expect(held.expiresAt).toBeUndefined()
      })
    })
  } finally {
    delete prototype.sessionToken
    delete prototype.expiration
  }
})
