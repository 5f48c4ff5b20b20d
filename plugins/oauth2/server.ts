/** The authorization server: where it is, who asks it, and what it grants. */
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  customFetch,
  deviceAuthorizationRequest,
  deviceCodeGrantRequest,
  discoveryRequest,
  isDPoPNonceError,
  None,
  PrivateKeyJwt,
  processClientCredentialsResponse,
  processDeviceAuthorizationResponse,
  processDeviceCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  type AuthorizationServer as Metadata,
  type Client,
  type ClientAuth,
  type DeviceAuthorizationResponse,
  type DPoPHandle,
  type TokenEndpointResponse,
} from 'oauth4webapi'
import { clock, HttpError, own } from '../../src/index.ts'
import { isSendable } from '../auth/held-token.ts'
import type { Fetch, Trail } from './fetching.ts'
import type { OAuth2Options, OAuth2Tokens } from './options.ts'
import type { Proofs } from './proofs.ts'

type Parameters = [name: string, value: string][]

/** Asks for tokens. */
export class AuthorizationServer {
  readonly #options: OAuth2Options
  readonly #client: Client
  readonly #proofs: Proofs | undefined
  #metadata: Metadata | undefined

  constructor(options: OAuth2Options, proofs: Proofs | undefined) {
    this.#options = options
    this.#client = { client_id: options.clientId ?? '' }
    this.#proofs = proofs
  }

  /** Tokens for the client itself (RFC 6749 §4.4). */
  async forClient(fetch: Fetch, trail: Trail): Promise<OAuth2Tokens> {
    const parameters = new URLSearchParams(this.#parameters())
    const tokens = await this.#ask(
      fetch,
      (as, how) => clientCredentialsGrantRequest(as, this.#client, this.#authentication(), parameters, how),
      (as, response) => processClientCredentialsResponse(as, this.#client, response),
    )
    return this.#tokens(tokens, trail)
  }

  /** Tokens for a refresh token (RFC 6749 §6), which the server may replace. */
  async refreshed(fetch: Fetch, trail: Trail, refreshToken: string): Promise<OAuth2Tokens> {
    const additionalParameters = this.#parameters()
    const tokens = await this.#ask(
      fetch,
      (as, how) =>
        refreshTokenGrantRequest(as, this.#client, this.#authentication(), refreshToken, {
          ...how,
          additionalParameters,
        }),
      (as, response) => processRefreshTokenResponse(as, this.#client, response),
    )
    return this.#tokens(tokens, trail, refreshToken)
  }

  /** Begins to let a device in (RFC 8628 §3.1). */
  async device(fetch: Fetch): Promise<DeviceAuthorizationResponse> {
    const as = await this.#found(fetch)
    const parameters = new URLSearchParams(this.#parameters())
    const how = { [customFetch]: fetch, [allowInsecureRequests]: true }
    const response = await deviceAuthorizationRequest(as, this.#client, this.#authentication(), parameters, how)
    return processDeviceAuthorizationResponse(as, this.#client, response)
  }

  /** Tokens for a device that was let in (RFC 8628 §3.4). */
  async forDevice(fetch: Fetch, trail: Trail, deviceCode: string): Promise<OAuth2Tokens> {
    const additionalParameters = this.#forResource()
    const tokens = await this.#ask(
      fetch,
      (as, how) =>
        deviceCodeGrantRequest(as, this.#client, this.#authentication(), deviceCode, { ...how, additionalParameters }),
      (as, response) => processDeviceCodeResponse(as, this.#client, response),
    )
    return this.#tokens(tokens, trail)
  }

  /** Asks once more where the server wants a nonce in the proof (RFC 9449 §8). */
  async #ask<T>(
    fetch: Fetch,
    send: (as: Metadata, how: How) => Promise<Response>,
    read: (as: Metadata, response: Response) => Promise<T>,
  ): Promise<T> {
    const as = await this.#found(fetch)
    const how: How = { [customFetch]: fetch, [allowInsecureRequests]: true }
    if (this.#proofs === undefined) return read(as, await send(as, how))
    const proving = { ...how, DPoP: await this.#proofs.handle() }
    try {
      return await read(as, await send(as, proving))
    } catch (error) {
      if (!isDPoPNonceError(error)) throw error
      return read(as, await send(as, proving))
    }
  }

  /** Asked once; a server that was not found is looked for again. */
  async #found(fetch: Fetch): Promise<Metadata> {
    const { issuer, endpoints } = this.#options
    if (endpoints !== undefined) {
      const { token, deviceAuthorization } = own(endpoints)
      const device = deviceAuthorization === undefined ? {} : { device_authorization_endpoint: deviceAuthorization }
      return { issuer: issuer ?? token, token_endpoint: token, ...device }
    }
    return (this.#metadata ??= await discovered(new URL(issuer ?? ''), fetch))
  }

  #authentication(): ClientAuth {
    const { authentication } = this.#options
    switch (authentication.method) {
      case 'client_secret_basic':
        return ClientSecretBasic(authentication.secret)
      case 'client_secret_post':
        return ClientSecretPost(authentication.secret)
      case 'private_key_jwt': {
        const { key, kid } = own(authentication)
        return PrivateKeyJwt(kid === undefined ? key : { key, kid })
      }
      case 'none':
        return None()
    }
  }

  #parameters(): Parameters {
    const { scope, audience } = this.#options
    const asked: Parameters = []
    if (scope !== undefined) asked.push(['scope', scope])
    if (audience !== undefined) asked.push(['audience', audience])
    return [...asked, ...this.#forResource(), ...Object.entries(this.#options.parameters)]
  }

  #forResource(): Parameters {
    const { resource } = this.#options
    if (resource === undefined) return []
    return (typeof resource === 'string' ? [resource] : resource).map(one => ['resource', one])
  }

  #tokens(given: TokenEndpointResponse, { request, response }: Trail, refreshToken?: string): OAuth2Tokens {
    const type = given.token_type === 'dpop' ? 'DPoP' : 'Bearer'
    if ((type === 'DPoP') !== (this.#proofs !== undefined)) {
      const what = type === 'DPoP' ? 'bound to a key, which oauth2({ dpop }) does not ask for' : 'not bound to the key'
      throw new HttpError('PROTOCOL', `The authorization server gave a token that is ${what}.`, {
        phase: 'headers',
        request,
        response,
      })
    }
    const { access_token: accessToken, expires_in: seconds, refresh_token: replaced = refreshToken, scope } = own(given)
    if (!isSendable(accessToken)) {
      throw new HttpError('PROTOCOL', 'The authorization server gave a token that cannot be sent.', {
        phase: 'headers',
        request,
        response,
      })
    }
    return {
      accessToken,
      type,
      expiresAt: seconds === undefined ? undefined : clock.now() + seconds * 1_000,
      refreshToken: replaced,
      scope,
    }
  }
}

interface How {
  readonly [customFetch]: Fetch
  readonly [allowInsecureRequests]: boolean
  readonly DPoP?: DPoPHandle
}

/** The metadata of a server, which must name itself as it was asked for (RFC 8414 §3.3). */
async function discovered(issuer: URL, fetch: Fetch): Promise<Metadata> {
  const how = { [customFetch]: fetch, [allowInsecureRequests]: true }
  const response = await discoveryRequest(issuer, { ...how, algorithm: 'oauth2' })
  const unknown = response.status >= 400 && response.status < 500
  const answer = unknown ? await discoveryRequest(issuer, { ...how, algorithm: 'oidc' }) : response
  return processDiscoveryResponse(issuer, answer)
}
