/** Pinned keys: whom to talk to, beside what certificates say (as in RFC 7469 §2.4 and curl's `--pinnedpubkey`). */
import { createHash, X509Certificate } from 'node:crypto'
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

const PIN = /^(?:sha256\/\/?)?([A-Za-z0-9+/]{43}=)$/

/** True for a pin as it may be written: the SHA-256 of a public key (SPKI, DER) in base64, alone or behind `sha256/` or `sha256//`. */
export function isPin(value: unknown): boolean {
  return typeof value === 'string' && PIN.test(value)
}

/** The keys that are pinned. */
export class Pins {
  readonly #pins: ReadonlySet<string>

  /** Takes pins that passed {@link isPin}. */
  constructor(pins: readonly string[]) {
    this.#pins = new Set(pins.map(pin => PIN.exec(pin)?.[1] ?? pin))
  }

  /** Answers with the keys of the server when none of them is pinned, and with nothing when one is. */
  missing(socket: TLSSocket): readonly string[] | undefined {
    const keys = chainOf(socket).map(keyOf)
    return keys.some(key => this.#pins.has(key)) ? undefined : keys.map(key => `sha256//${key}`)
  }
}

/**
 * The server's certificate and those that vouch for it, each for the one before by a signature that is checked here: a
 * server may send whatever certificates it likes, and verification may be off.
 */
function chainOf(socket: TLSSocket): X509Certificate[] {
  // A server without a certificate gives an empty object, for which the types have no word.
  let entry: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  const chain: X509Certificate[] = []
  while (entry?.raw !== undefined) {
    const certificate = new X509Certificate(entry.raw)
    const last = chain.at(-1)
    if (last !== undefined && !vouches(certificate, last)) break
    chain.push(certificate)
    // The last one is its own issuer.
    entry = entry.issuerCertificate === entry ? undefined : entry.issuerCertificate
  }
  return chain
}

function vouches(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

function keyOf(certificate: X509Certificate): string {
  return createHash('sha256')
    .update(certificate.publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')
}
