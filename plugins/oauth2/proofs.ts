/** Proofs that a token is sent by who was given it (DPoP, RFC 9449). */
import {
  allowInsecureRequests,
  customFetch,
  DPoP,
  generateKeyPair,
  protectedResourceRequest,
  type DPoPHandle,
} from 'oauth4webapi'
import { parseChallenges, type HttpRequest, type ResponseHead } from '../../src/index.ts'

/** A proof for one request. */
export interface Proof {
  readonly header: string
  /** Hears the answer, which may bring a nonce for the next proof. */
  readonly heard: (head: ResponseHead) => void
}

/** Makes proofs with one key, and remembers the nonces of servers. */
export class Proofs {
  readonly #given: boolean | CryptoKeyPair
  #handle: Promise<DPoPHandle> | undefined
  /** The nonce that came last is being taken in. */
  #taking: Promise<unknown> = Promise.resolve()

  constructor(given: boolean | CryptoKeyPair) {
    this.#given = given
  }

  /** The key, as oauth4webapi wants it. */
  handle(): Promise<DPoPHandle> {
    return (this.#handle ??= made(this.#given))
  }

  /**
   * A proof for this request with this token. The library makes it, and takes the nonce, where it sends a request to a resource: here that is
   * a request of which the fields are kept, and the answer comes when the real one does.
   */
  async prove({ method, url }: HttpRequest, token: string): Promise<Proof> {
    await this.#taking
    const handle = await this.handle()
    return new Promise((resolve, reject) => {
      const answer = Promise.withResolvers<Response>()
      const fetch = (
        _: string,
        { headers }: { readonly headers: Readonly<Record<string, string>> },
      ): Promise<Response> => {
        resolve({
          header: headers['dpop'] ?? '',
          heard: head => {
            const nonce = nonceOf(head)
            if (nonce === undefined) return
            answer.resolve(new Response(null, { headers: { 'dpop-nonce': nonce } }))
            this.#taking = asked.catch(() => undefined)
          },
        })
        return answer.promise
      }
      const how = { DPoP: handle, [customFetch]: fetch, [allowInsecureRequests]: true }
      const asked = protectedResourceRequest(token, method, new URL(url), new Headers(), null, how)
      asked.catch(reject)
    })
  }
}

async function made(given: boolean | CryptoKeyPair): Promise<DPoPHandle> {
  const keys = typeof given === 'boolean' ? await generateKeyPair('ES256') : given
  return DPoP({}, keys)
}

/** True for a 401 that asks for a proof with the nonce it brings (RFC 9449 §9). */
export function asksForNonce(head: ResponseHead): boolean {
  if (head.status !== 401 || nonceOf(head) === undefined) return false
  return parseChallenges(head.headers.getAll('www-authenticate')).some(
    ({ scheme, params }) => scheme === 'dpop' && params.get('error') === 'use_dpop_nonce',
  )
}

/** A nonce that is one (RFC 9449 §8.1), and not a header's worth of something. */
function nonceOf({ headers }: ResponseHead): string | undefined {
  const [nonce, more] = headers.getAll('dpop-nonce')
  return nonce !== undefined && more === undefined && /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/.test(nonce)
    ? nonce
    : undefined
}
