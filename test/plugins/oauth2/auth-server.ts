/** A small authorization server and a resource beside it, which believe nothing they cannot check. */
import { reply, serve, type Protocol, type Reply, type ServedRequest, type TestServer } from 'sluice/testing'

/** How the server behaves. */
export interface Rules {
  readonly protocol?: Protocol
  /** The public key of a client that signs assertions. */
  readonly clientKey?: CryptoKey
  /** Seconds tokens live. Default 3600. */
  readonly expiresIn?: number
  /** Gives refresh tokens, each good once. */
  readonly refreshTokens?: boolean
  /** Wants proofs, with a nonce of its own, which changes after so many uses. */
  readonly nonces?: number
  readonly dpop?: boolean
  /** Answers the token endpoint in place of the server, when it returns something. */
  readonly token?: (form: URLSearchParams, request: ServedRequest) => Reply | undefined
  /** What the device is told, the last one for ever. Default: yes. */
  readonly device?: readonly ('authorization_pending' | 'slow_down' | 'access_denied' | 'expired_token' | 'yes')[]
  /** Changes the metadata. */
  readonly metadata?: object
  /** Serves OpenID Connect Discovery instead of RFC 8414. */
  readonly oidc?: boolean
}

/** What was asked at the token endpoint. */
export interface AuthWorld extends AsyncDisposable {
  readonly url: string
  readonly server: TestServer
  /** The grants that were asked for, and how the client proved who it is. */
  readonly asked: string[]
  readonly forms: URLSearchParams[]
  /** Takes the tokens of now no longer. */
  revoke(): void
}

/** Starts it on a port of its own. */
export async function authServer(rules: Rules = {}): Promise<AuthWorld> {
  const { expiresIn = 3600, protocol = 'http/1.1', device = ['yes'] } = rules
  const asked: string[] = []
  const forms: URLSearchParams[] = []
  const good = new Map<string, string | undefined>()
  const jtis = new Set<string>()
  const refreshTokens = new Set<string>(['first'])
  let [issued, polls, uses, nonce] = [0, 0, 0, 'nonce-1']

  /** The thumbprint of the key of a proof, `undefined` without one; or why it is none. */
  const proven = async (request: ServedRequest, token?: string): Promise<string | undefined | Reply> => {
    if (rules.dpop !== true) return request.header('dpop') === '' ? undefined : reply.status(400)
    const why = await wrongProof(request, `${origin(request)}${request.path}`, token, jtis)
    if (typeof why === 'string')
      return reply.json({ error: 'invalid_dpop_proof', error_description: why }, { status: 400 })
    if (rules.nonces !== undefined) {
      if (why.nonce !== nonce) return 'use nonce'
      if (++uses % rules.nonces === 0) nonce = `nonce-${uses / rules.nonces + 1}`
    }
    return why.jkt
  }
  const origin = (request: ServedRequest): string => `http://${request.headers[':authority'] ?? request.header('host')}`
  const noncing = (one: Reply): Reply => {
    if (rules.nonces === undefined) return one
    const { headers = [] } = one
    const fields = (Array.isArray(headers) ? headers : Object.entries(headers)) as [string, string][]
    return { ...one, headers: [...fields, ['dpop-nonce', nonce]] }
  }

  const grant = (form: URLSearchParams, jkt: string | undefined): Reply => {
    const refresh = form.get('refresh_token')
    switch (form.get('grant_type')) {
      case 'client_credentials':
        break
      case 'refresh_token':
        // A refresh token that comes twice was stolen once.
        if (refresh === null || !refreshTokens.delete(refresh)) return refused('invalid_grant')
        break
      case 'urn:ietf:params:oauth:grant-type:device_code': {
        if (form.get('device_code') !== 'd3vice') return refused('invalid_grant')
        const said = device[Math.min(polls++, device.length - 1)]
        if (said !== 'yes') return refused(said ?? '')
        break
      }
      default:
        return refused('unsupported_grant_type')
    }
    const token = `s3cret-at-${++issued}`
    good.set(token, jkt)
    const more: Record<string, unknown> = {}
    if (rules.refreshTokens === true) {
      more['refresh_token'] = `s3cret-rt-${issued}`
      refreshTokens.add(`s3cret-rt-${issued}`)
    }
    return reply.json({
      access_token: token,
      token_type: jkt === undefined ? 'bearer' : 'DPoP',
      expires_in: expiresIn,
      scope: form.get('scope') ?? 'all',
      ...more,
    })
  }

  const metadata = (request: ServedRequest): Reply => {
    const at = origin(request)
    return reply.json({
      issuer: at,
      token_endpoint: `${at}/token`,
      device_authorization_endpoint: `${at}/device`,
      ...rules.metadata,
    })
  }

  const server = await serve(
    {
      [`GET /.well-known/${rules.oidc === true ? 'openid-configuration' : 'oauth-authorization-server'}`]: metadata,
      'POST /token': async request => {
        const form = new URLSearchParams(await request.text())
        forms.push(form)
        asked.push(
          `${form.get('grant_type')?.replace(/^.*:/, '') ?? ''} ${await whoIs(request, form, rules, server.url)}`,
        )
        const instead = rules.token?.(form, request)
        if (instead !== undefined) return instead
        const jkt = await proven(request)
        if ((jkt as unknown) === 'use nonce') return noncing(refused('use_dpop_nonce'))
        if (typeof jkt === 'object') return jkt
        if (asked.at(-1)?.endsWith('nobody') === true) return refused('invalid_client', 401)
        return noncing(grant(form, jkt))
      },
      'POST /device': async request => {
        forms.push(new URLSearchParams(await request.text()))
        return reply.json({
          device_code: 'd3vice',
          user_code: 'ABCD-EFGH',
          verification_uri: 'https://login.test/device',
          verification_uri_complete: 'https://login.test/device?code=ABCD-EFGH',
          expires_in: 0.6,
          interval: 0.02,
        })
      },
      '/*': async request => {
        const [scheme, token = ''] = request.header('authorization').split(' ')
        const jkt = await proven(request, token)
        if ((jkt as unknown) === 'use nonce') {
          return noncing({ status: 401, headers: { 'www-authenticate': 'DPoP error="use_dpop_nonce"' } })
        }
        if (typeof jkt === 'object') return jkt
        const right = good.has(token) && good.get(token) === jkt && scheme === (jkt === undefined ? 'Bearer' : 'DPoP')
        if (!right)
          return noncing({
            status: 401,
            headers: { 'www-authenticate': `${jkt === undefined ? 'Bearer' : 'DPoP'} error="invalid_token"` },
          })
        return noncing({ body: `hello ${token}` })
      },
    },
    { protocol },
  )
  return {
    url: server.url,
    server,
    asked,
    forms,
    revoke: () => {
      good.clear()
    },
    [Symbol.asyncDispose]: () => server.close(),
  }
}

function refused(error: string, status = 400): Reply {
  return reply.json({ error, error_description: 's3cret words' }, { status })
}

/** How the client proved who it is. */
async function whoIs(
  request: ServedRequest,
  form: URLSearchParams,
  { clientKey }: Rules,
  issuer: string,
): Promise<string> {
  const basic = /^Basic (.+)$/.exec(request.header('authorization'))?.[1]
  if (basic !== undefined) return atob(basic) === 'ledger:s3cret%2B%2F%3A' ? 'basic' : 'nobody'
  if (form.has('client_secret')) return form.get('client_secret') === 's3cret+/:' ? 'post' : 'nobody'
  const assertion = form.get('client_assertion')
  if (assertion === null) return form.get('client_id') === 'ledger' ? 'none' : 'nobody'
  const { header, payload } = read(assertion)
  const fine = clientKey !== undefined && (await verified(assertion, clientKey)) && header['kid'] === 'k1'
  const named =
    payload['iss'] === 'ledger' && payload['sub'] === 'ledger' && String(payload['aud']).startsWith(issuer.slice(0, -1))
  return fine && named ? 'jwt' : 'nobody'
}

type Json = Readonly<Record<string, unknown>>

function read(jwt: string): { readonly header: Json; readonly payload: Json } {
  const [header = '', payload = ''] = jwt.split('.')
  const parse = (part: string): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json
  return { header: parse(header), payload: parse(payload) }
}

async function verified(jwt: string, key: CryptoKey): Promise<boolean> {
  const [header = '', payload = '', signature = ''] = jwt.split('.')
  const algorithm = { name: 'ECDSA', hash: 'SHA-256' }
  return crypto.subtle.verify(algorithm, key, Buffer.from(signature, 'base64url'), Buffer.from(`${header}.${payload}`))
}

const sha256 = async (text: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64url')

/** Checks a proof as RFC 9449 §4.3 says; why it is none, or whose it is. */
async function wrongProof(
  request: ServedRequest,
  url: string,
  token: string | undefined,
  jtis: Set<string>,
): Promise<string | { readonly jkt: string; readonly nonce: unknown }> {
  const proof = request.header('dpop')
  if (proof === '' || proof.includes(',')) return 'not one proof'
  const { header, payload } = read(proof)
  const jwk = header['jwk'] as JsonWebKey
  if (header['typ'] !== 'dpop+jwt' || header['alg'] !== 'ES256' || 'd' in jwk) return 'header'
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify'])
  if (!(await verified(proof, key))) return 'signature'
  if (payload['htm'] !== request.method) return 'htm'
  if (payload['htu'] !== url) return `htu ${String(payload['htu'])} is not ${url}`
  if (Math.abs(Number(payload['iat']) - Date.now() / 1000) > 10) return 'iat'
  const jti = String(payload['jti'])
  if (jtis.has(jti)) return 'jti again'
  jtis.add(jti)
  if (token !== undefined && payload['ath'] !== (await sha256(token))) return 'ath'
  if (token === undefined && 'ath' in payload) return 'ath without a token'
  const { crv, kty, x, y } = jwk
  return { jkt: await sha256(JSON.stringify({ crv, kty, x, y })), nonce: payload['nonce'] }
}
