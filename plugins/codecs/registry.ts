/** The codecs of a client or a call, by what they are for. */
import type { Codec } from './codec.ts'

/** Finds the codec for a type: one for it by name, by its suffix, or for all of its kind; of equal ones the first. */
export class Registry {
  readonly #codecs: readonly Codec[]

  constructor(codecs: readonly Codec[]) {
    this.#codecs = codecs
  }

  /** The codec that can do it; `undefined` when there is none. */
  find<Way extends 'encode' | 'decode'>(type: string, way: Way): (Codec & { readonly [W in Way]: object }) | undefined {
    for (const wanted of levels(type)) {
      const found = this.#codecs.find(one => one[way] !== undefined && one.types.some(name => wanted.includes(name)))
      if (found !== undefined) return found as Codec & { readonly [W in Way]: object }
    }
    return undefined
  }

  /** What to ask for, the most wanted first (RFC 9110 §12.5.1). */
  get accept(): string {
    // Of two codecs for a type the first one reads it, and says how much it is wanted.
    const wanted = new Map<string, number | false>()
    for (const { types, accept = 1, decode } of this.#codecs) {
      const [type = ''] = types
      if (decode !== undefined && !wanted.has(type)) wanted.set(type, accept)
    }
    return [...wanted]
      .flatMap(([type, accept]) => (accept === false ? [] : [{ type, accept }]))
      .toSorted((a, b) => b.accept - a.accept)
      .map(({ type, accept }) => (accept === 1 ? type : `${type};q=${weight(accept)}`))
      .join(', ')
  }

  /** Names what is there, in the middle of a sentence. */
  names(way: 'encode' | 'decode'): string {
    return this.#codecs
      .filter(one => one[way] !== undefined)
      .flatMap(({ types }) => types)
      .join(', ')
  }
}

/** What a codec may be for, from the closest to the widest. */
function levels(type: string): readonly (readonly string[])[] {
  const suffix = /\+([^+/]+)$/.exec(type)?.[1]
  const kind = `${type.slice(0, type.indexOf('/'))}/*`
  return [[type], ...(suffix === undefined ? [] : [[`application/${suffix}`, `text/${suffix}`]]), [kind], ['*/*']]
}

/** At most three digits (RFC 9110 §12.4.2), and never 0, which would mean never. */
function weight(accept: number): string {
  return String(Math.max(0.001, Math.round(accept * 1000) / 1000))
}
