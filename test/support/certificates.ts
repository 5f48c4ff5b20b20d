/** Certificates for tests, minted when first asked for. ECDSA P-256 and nothing from outside Node. */
import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { bits, field, integer, octets, oid, sequence, set, time, utf8, yes } from './der.ts'

/** A private key and its certificate, both PEM. */
export interface Identity {
  readonly key: string
  readonly cert: string
}

export interface Certificates {
  /** The authority to trust, PEM. */
  readonly ca: string
  /** Valid for localhost, 127.0.0.1 and ::1. */
  readonly good: Identity
  /** As `good`, but its time ended yesterday. */
  readonly expired: Identity
  /** As `good`, but its time begins tomorrow. */
  readonly notYetValid: Identity
  /** As `good`, but for elsewhere.test. */
  readonly wrongHost: Identity
  /** For the right names, by nobody but itself. */
  readonly selfSigned: Identity
  /** As `good`, but by `otherCa`. */
  readonly untrusted: Identity
  /** An authority with the same name as `ca` that nobody should trust, PEM. */
  readonly otherCa: string
  /** A client named `ada`, by `ca`. */
  readonly client: Identity
  /** A client named `mallory`, by `otherCa`. */
  readonly otherClient: Identity
}

let minted: Certificates | undefined

/** Mints the certificates once per process. */
export function certificates(): Certificates {
  minted ??= mintAll()
  return minted
}

function mintAll(): Certificates {
  const ca = authority('sluice test CA')
  const otherCa = authority('sluice test CA')
  const server = { name: 'localhost', hosts: ['localhost'], addresses: HERE, use: SERVER_AUTH }
  const good = issue(server, ca)
  return {
    ca: ca.cert,
    good,
    expired: issue({ ...server, from: days(-30), to: days(-1) }, ca),
    notYetValid: issue({ ...server, from: days(1), to: days(30) }, ca),
    wrongHost: issue({ ...server, name: 'elsewhere.test', hosts: ['elsewhere.test'], addresses: [] }, ca),
    selfSigned: issue(server),
    untrusted: issue(server, otherCa),
    otherCa: otherCa.cert,
    client: issue({ name: 'ada', use: CLIENT_AUTH }, ca),
    otherClient: issue({ name: 'mallory', use: CLIENT_AUTH }, otherCa),
  }
}

interface Subject {
  readonly name: string
  readonly hosts?: readonly string[]
  readonly addresses?: readonly (readonly number[])[]
  /** Extended key usage; none makes an authority. */
  readonly use?: string
  readonly from?: Date
  readonly to?: Date
}

interface Issuer extends Identity {
  readonly name: string
  readonly privateKey: KeyObject
  readonly keyId: Buffer
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))
const HERE = [
  [127, 0, 0, 1],
  [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
] as const

const authority = (name: string): Issuer => issue({ name })

/** Makes a certificate (RFC 5280 §4.1) signed by `issuer`, or by itself. */
function issue(subject: Subject, issuer?: Issuer): Issuer {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const keyId = createHash('sha1').update(spki).digest()
  const { name, from = days(-1), to = days(30) } = subject
  const body = sequence(
    field(0, integer(2), 'constructed'),
    integer(...serial()),
    ECDSA_WITH_SHA256,
    commonName(issuer?.name ?? name),
    sequence(time(from), time(to)),
    commonName(name),
    spki,
    field(3, sequence(...extensions(subject, keyId, issuer?.keyId ?? keyId)), 'constructed'),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const der = sequence(body, ECDSA_WITH_SHA256, bits(signature))
  const base64 = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return {
    name,
    privateKey,
    keyId,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}-----END CERTIFICATE-----\n`,
  }
}

function extensions(subject: Subject, keyId: Buffer, issuerKeyId: Buffer): Buffer[] {
  const { hosts = [], addresses = [], use } = subject
  const critical = (id: string, value: Buffer): Buffer => sequence(oid(id), yes, octets(value))
  const plain = (id: string, value: Buffer): Buffer => sequence(oid(id), octets(value))
  const names = [
    ...hosts.map(host => field(2, Buffer.from(host), 'plain')),
    ...addresses.map(address => field(7, Buffer.from(address), 'plain')),
  ]
  return [
    plain('2.5.29.14', octets(keyId)),
    plain('2.5.29.35', sequence(field(0, issuerKeyId, 'plain'))),
    critical('2.5.29.19', use === undefined ? sequence(yes) : sequence()),
    // keyCertSign and cRLSign for an authority, digitalSignature for everybody else.
    critical('2.5.29.15', use === undefined ? bits(Buffer.from([0x06]), 1) : bits(Buffer.from([0x80]), 7)),
    ...(use === undefined ? [] : [plain('2.5.29.37', sequence(oid(use)))]),
    ...(names.length === 0 ? [] : [plain('2.5.29.17', sequence(...names))]),
  ]
}

const commonName = (name: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(name))))
const days = (count: number): Date => new Date(Date.now() + count * 86_400_000)

let lastSerial = 0

/** Two certificates of one name must not share a serial number. */
function serial(): number[] {
  lastSerial += 1
  return [1, lastSerial]
}
