/** Addresses as bytes, so that one that is written in another way is still the same. */

/** Four bytes, or sixteen. */
export type Address = readonly number[]

/** A host as the URL standard writes it, or nothing for what cannot be one. */
export function hostOf(text: string): string | undefined {
  if (text === '' || /[\s/\\?#@]/.test(text)) return undefined
  const host = text.includes(':') ? `[${text}]` : text
  const hostname = URL.parse(`http://${host}/`)?.hostname
  return hostname === undefined || hostname.includes('*') ? undefined : hostname
}

/** The bytes of a host that is an address; `::ffff:127.0.0.1` has those of `127.0.0.1`. */
export function addressOf(hostname: string): Address | undefined {
  if (/^\d+(?:\.\d+){3}$/.test(hostname)) return hostname.split('.').map(Number)
  if (!hostname.startsWith('[')) return undefined
  const bytes = sixteen(hostname.slice(1, -1))
  return isMapped(bytes) ? bytes.slice(12) : bytes
}

/** Whether two addresses of a family begin with the same bits. */
export function sharesBits(a: Address, b: Address, bits: number): boolean {
  if (a.length !== b.length) return false
  return a.every((byte, at) => {
    const left = bits - at * 8
    const mask = left >= 8 ? 0xff : left <= 0 ? 0 : (0xff << (8 - left)) & 0xff
    return (byte & mask) === ((b[at] ?? 0) & mask)
  })
}

function sixteen(text: string): Address {
  const [head = '', tail] = text.split('::')
  const front = groups(head)
  const back = groups(tail ?? '')
  const zeros = Array.from({ length: tail === undefined ? 0 : 8 - front.length - back.length }, () => 0)
  return [...front, ...zeros, ...back].flatMap(group => [group >> 8, group & 0xff])
}

function groups(text: string): readonly number[] {
  return text === '' ? [] : text.split(':').map(group => Number.parseInt(group, 16))
}

function isMapped(bytes: Address): boolean {
  return bytes.slice(0, 10).every(byte => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff
}
