/** Header fields as undici hands them over. */
import type { Dispatcher } from 'undici'

/**
 * Turns name, value, name, value … from bytes into text, in the order and case in which they came. They are pieces of one
 * block of bytes, which is read at once and then cut: a third of the price of reading each.
 */
export function fieldsOf(raw: Dispatcher.DispatchController['rawHeaders']): readonly string[] {
  if (!Array.isArray(raw)) return []
  const first = raw[0]
  const last = raw.at(-1)
  if (typeof first !== 'object' || typeof last !== 'object') return []
  const { buffer, byteOffset: start } = first
  const end = last.byteOffset + last.length
  const block = last.buffer === buffer && end > start ? Buffer.from(buffer, start, end - start).toString('latin1') : ''
  return (raw as readonly Buffer[]).map(part => {
    const at = part.byteOffset - start
    // What arrived in two pieces was put together elsewhere.
    const whole = part.buffer === buffer && at >= 0 && at + part.length <= block.length
    return whole ? block.slice(at, at + part.length) : part.toString('latin1')
  })
}
