/** Signatures Amazon has published: those of its test suite, and those of the documentation of S3. */
import { HttpHeaders, HttpRequest, type HeadersInit } from 'sluice'
import { describe, expect, it } from 'vitest'
import { resolveUrl } from '../../../src/url.ts'
import { prepareBody } from '../../../src/body.ts'
import { chunked, chunkedLength } from '../../../plugins/sigv4/chunks.ts'
import type { Held } from '../../../plugins/sigv4/credentials.ts'
import { sign, signingKey } from '../../../plugins/sigv4/signer.ts'
import { verify } from './verifier.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
const S3_SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

const held = (accessKeyId: string, secretAccessKey: string, sessionToken?: string): Held => ({
  accessKeyId,
  secretAccessKey,
  sessionToken,
  expiresAt: undefined,
})

function aRequest(method: string, url: string, headers: HeadersInit = {}, text?: string): HttpRequest {
  const { body } = prepareBody(text)
  const { href } = resolveUrl(url, undefined)
  return new HttpRequest({
    id: 1,
    method,
    url: href,
    headers: HttpHeaders.of(headers),
    body,
    options: {},
    notes: undefined,
  })
}

describe('the test suite of Signature Version 4', () => {
  const scope = { region: 'us-east-1', service: 'service' }
  const now = Date.UTC(2015, 7, 30, 12, 36, 0)
  const unreserved = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  // Not here: get-space and get-utf8, whose paths arrive as no client may send them, and are therefore encoded once. As they are sent, services
  // encode them a second time; the verifier of these tests does.
  it.each<[name: string, method: string, target: string, headers: HeadersInit, signature: string, body?: string]>([
    ['get-vanilla', 'GET', '/', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-vanilla-query', 'GET', '/?', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-slash', 'GET', '//', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-relative', 'GET', '/example/..', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-relative-relative',
      'GET',
      '/example1/example2/../..',
      {},
      '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
    ],
    ['get-slash-dot-slash', 'GET', '/./', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['get-slashes', 'GET', '//example//', {}, '9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84'],
    ['get-unreserved', 'GET', `/${unreserved}`, {}, '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f'],
    [
      'get-vanilla-empty-query-key',
      'GET',
      '/?Param1=value1',
      {},
      'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
    ],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      {},
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-query-unreserved',
      'GET',
      `/?${unreserved}=${unreserved}`,
      {},
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
    [
      'get-vanilla-utf8-query',
      'GET',
      '/?ሴ=bar',
      {},
      '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
    ],
    [
      'get-header-key-duplicate',
      'GET',
      '/',
      { 'My-Header1': ['value2', 'value2', 'value1'] },
      'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
    ],
    [
      'get-header-value-order',
      'GET',
      '/',
      { 'My-Header1': ['value4', 'value1', 'value3', 'value2'] },
      '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
    ],
    [
      'get-header-value-trim',
      'GET',
      '/',
      { 'My-Header1': ' value1', 'My-Header2': ' "a   b   c"' },
      'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
    ],
    ['post-vanilla', 'POST', '/', {}, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'post-header-key-sort',
      'POST',
      '/',
      { 'My-Header1': 'value1' },
      'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
    ],
    [
      'post-vanilla-query',
      'POST',
      '/?Param1=value1',
      {},
      '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
    ],
    [
      'post-x-www-form-urlencoded',
      'POST',
      '/',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
      'Param1=value1',
    ],
  ])('%s', async (_, method, target, headers, signature, body) => {
    const request = aRequest(method, `https://example.amazonaws.com${target}`, headers, body)
    const signed = await sign(request, held('AKIDEXAMPLE', SECRET), scope, now)
    expect(signed.signature).toBe(signature)
    const { flat } = signed.request.headers
    const bytes = new TextEncoder().encode(body ?? '')
    verify(
      { method, target: signed.request.target, rawHeaders: flat, body: bytes, host: 'example.amazonaws.com' },
      { AKIDEXAMPLE: SECRET },
    )
  })

  it('signs the same when the prototype of everything was polluted', async () => {
    const polluted: Record<string, unknown> = {
      applyChecksum: true,
      uriEscapePath: false,
      signingRegion: 'evil',
      signingService: 'evil',
      signableHeaders: new Set(['user-agent']),
      unsignableHeaders: new Set(['host']),
      sessionToken: 'evil',
      'x-evil': 'evil',
    }
    const prototype = Object.prototype as unknown as Record<string, unknown>
    Object.assign(prototype, polluted)
    try {
      const request = aRequest('GET', 'https://example.amazonaws.com/', { 'user-agent': 'x' })
      const signed = await sign(request, held('AKIDEXAMPLE', SECRET), scope, now)
      expect(signed.signature).toBe('5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31')
    } finally {
      for (const name of Object.keys(polluted)) Reflect.deleteProperty(prototype, name)
    }
  })

  it('signs the session token with the rest (post-sts-header-before)', async () => {
    const token =
      'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=='
    const request = aRequest('POST', 'https://example.amazonaws.com/')
    const signed = await sign(request, held('AKIDEXAMPLE', SECRET, token), scope, now)
    expect(signed.signature).toBe('85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead')
    expect(signed.request.headers.get('x-amz-security-token')).toBe(token)
  })
})

describe('the examples of S3', () => {
  const scope = { region: 'us-east-1', service: 's3' }
  const now = Date.UTC(2013, 4, 24)
  const who = held('AKIAIOSFODNN7EXAMPLE', S3_SECRET)
  const bucket = 'https://examplebucket.s3.amazonaws.com'
  it.each<[name: string, target: string, headers: Record<string, string>, signature: string]>([
    [
      'GET Object',
      '/test.txt',
      { Range: 'bytes=0-9' },
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    ],
    ['GET Bucket Lifecycle', '/?lifecycle', {}, 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    [
      'Get Bucket (List Objects)',
      '/?max-keys=2&prefix=J',
      {},
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    ],
  ])('%s', async (_, target, headers, signature) => {
    const request = aRequest('GET', `${bucket}${target}`, { ...headers, 'x-amz-content-sha256': EMPTY })
    expect((await sign(request, who, scope, now)).signature).toBe(signature)
  })

  it('PUT Object: the verifier of these tests finds the published signature right, which signs the field Date as we do not', () => {
    const rawHeaders = [
      ...['Date', 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class', 'REDUCED_REDUNDANCY'],
      ...['x-amz-date', '20130524T000000Z', 'host', 'examplebucket.s3.amazonaws.com'],
      ...['x-amz-content-sha256', '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072'],
      'Authorization',
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
    ]
    const body = new TextEncoder().encode('Welcome to Amazon S3.')
    const put = { method: 'PUT', target: '/test%24file.text', rawHeaders, body }
    expect(verify(put, { [who.accessKeyId]: S3_SECRET })).toBe(body)
    expect(() => verify({ ...put, body: body.subarray(1) }, { [who.accessKeyId]: S3_SECRET })).toThrow('another body')
    expect(() => verify({ ...put, target: '/test' }, { [who.accessKeyId]: S3_SECRET })).toThrow('another signature')
  })

  it('PUT Object: ours, without the field Date, is right too', async () => {
    const headers = {
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
    }
    const { request } = await sign(
      aRequest('PUT', `${bucket}/test$file.text`, headers, 'Welcome to Amazon S3.'),
      who,
      scope,
      now,
    )
    expect(request.target).toBe('/test%24file.text')
    const arrived = {
      method: 'PUT',
      target: request.target,
      rawHeaders: request.headers.flat,
      host: 'examplebucket.s3.amazonaws.com',
    }
    verify({ ...arrived, body: request.body as Uint8Array }, { [who.accessKeyId]: S3_SECRET })
  })

  it('PUT Object in chunks: 65 KiB of "a", every signature as published', async () => {
    const length = 65 * 1024
    expect(chunkedLength(length)).toBe(66_824)
    const request = aRequest('PUT', 'https://s3.amazonaws.com/examplebucket/chunkObject.txt', {
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'content-encoding': 'aws-chunked',
      'content-length': chunkedLength(length),
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'x-amz-decoded-content-length': length,
    })
    const signed = await sign(request, who, scope, now)
    expect(signed.signature).toBe('4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9')
    const { body } = prepareBody(new Blob(['a'.repeat(length)]))
    if (body === undefined || body instanceof Uint8Array) throw new Error('a Blob is a source')
    const upload = chunked(body, length, { ...signed, key: await signingKey(who, scope, signed.date) })
    const pieces: Uint8Array[] = []
    const iterator = upload.open()
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) pieces.push(step.value)
    const wire = Buffer.concat(pieces)
    expect(wire.length).toBe(66_824)
    expect(
      [...wire.toString('latin1').matchAll(/(?:^|\r\n)([0-9a-f]+);chunk-signature=([0-9a-f]+)\r\n/g)].map(
        ([, ...it]) => it,
      ),
    ).toEqual([
      ['10000', 'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648'],
      ['400', '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497'],
      ['0', 'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9'],
    ])
  })
})
