import { isHttpError, type HttpError } from 'sluice'
import { http } from 'sluice/engines/http'
import { engineContract } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

describe('the contract', () => {
  const single = http({ connectionsPerOrigin: 1 })
  for (const one of engineContract('http', http(), { single })) {
    if (one.excluded === undefined) it(one.title, () => one.run())
  }
})

describe('the options', () => {
  const wrong = (options: object): HttpError => {
    try {
      http(options)
    } catch (error) {
      if (isHttpError(error)) return error
      throw error
    }
    throw new Error('it was taken')
  }

  it.each([
    [{ connections: 0 }, 'The option connections of http must be a whole number of at least 1, or Infinity'],
    [{ connectionsPerOrigin: 1.5 }, 'The option connectionsPerOrigin of http must be a whole number'],
    [
      { expectContinue: 1 },
      'The option expectContinue of http must be true, false or an object with from and wait, not 1.',
    ],
    [
      { expectContinue: { from: -1 } },
      'The option from of http({ expectContinue }) must be a whole number of at least 0',
    ],
    [{ expectContinue: { after: 1 } }, 'http({ expectContinue }) has no option "after"; it has from, wait.'],
    [{ configure: {} }, 'The option configure of http must be a function'],
    [
      { dangerouslyAcceptInvalidHttp: 1 },
      'The option dangerouslyAcceptInvalidHttp of http must be true or false, not 1.',
    ],
    [{ keepAlive: -1 }, 'The option keepAlive of http must be a number of milliseconds above 0'],
    [{ connectTimeout: Number.NaN }, 'The option connectTimeout of http must be a number of milliseconds above 0'],
    [{ acquireTimeout: 2 ** 31 }, 'or false for no limit, not 2147483648.'],
    [{ connectAttempts: 0 }, 'The option connectAttempts of http must be a whole number of at least 1'],
    [{ maxHeaderSize: '1k' }, 'The option maxHeaderSize of http must be a whole number of at least 1, not "1k".'],
    [{ family: 5 }, 'The option family of http must be one of 4, 6, not 5.'],
    [{ localAddress: 'eth0' }, 'The option localAddress of http must be an IP address of this machine'],
    [{ lookup: true }, 'The option lookup of http must be a function, not true.'],
    [{ tls: 'strict' }, 'The option tls of http must be an object of TLS options, not "strict".'],
    [{ tls: { rejectUnauthorized: false } }, 'http({ tls }) has no option "rejectUnauthorized"; it has ca, cert,'],
    [{ tls: { minVersion: 'TLS1.2' } }, 'The option minVersion of http({ tls }) must be one of "TLSv1",'],
    [{ lookupCache: 0 }, 'The option lookupCache of http must be a number of milliseconds above 0'],
    [{ tls: { pins: [] } }, 'The option pins of http({ tls }) must be at least one key, not '],
    [{ tls: { pins: 'sha1/x' } }, 'must be the SHA-256 of a public key in base64, as in "sha256//47DEQpj8HBSa+'],
    [{ tls: { pins: ['nonsense'] } }, 'The option pins of http({ tls }) must be the SHA-256 of a public key'],
    [{ tls: { cert: 'x' } }, 'http({ tls }) has cert alone; a client certificate needs cert and key.'],
    [{ tls: { cert: 'x', key: 'y' } }, 'The tls options cannot be used: '],
    [{ keepalive: 1 }, 'http has no option "keepalive"; it has connections, connectionsPerOrigin,'],
  ])('%o are refused in a sentence', (options, message) => {
    const error = wrong(options)
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toContain(message)
  })

  it('left undefined are as if they were not there', () => {
    expect(http({ connections: undefined, tls: { ca: undefined } }).create().name).toBe('http')
  })
})
