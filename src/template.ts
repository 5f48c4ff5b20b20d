/** URI templates, RFC 6570 up to level 4: `users/{id}{?page,size}`. */
import { HttpError } from './errors.ts'

/** A value a template variable can have. */
export type ParamValue =
  | string
  | number
  | boolean
  | readonly (string | number)[]
  | Readonly<Record<string, string | number>>

/** Values for the variables of a template. */
export type Params = Readonly<Record<string, ParamValue | undefined>>

/** The params a url literal asks for: those of a path are required, those of a query may be left out. */
export type ParamsOf<Url> = Url extends `${string}{${infer Expression}}${infer Rest}`
  ? ExpressionParams<Expression> & ParamsOf<Rest>
  : unknown

type ExpressionParams<E extends string> = E extends `${'?' | '&'}${infer Names}`
  ? { readonly [Name in NamesOf<Names>]?: ParamValue | undefined }
  : { readonly [Name in NamesOf<E extends `${'+' | '#' | '.' | '/' | ';'}${infer Names}` ? Names : E>]: ParamValue }

type NamesOf<List extends string> = List extends `${infer First},${infer Rest}`
  ? NameOf<First> | NamesOf<Rest>
  : NameOf<List>
type NameOf<Spec extends string> = Spec extends `${infer Name}*`
  ? Name
  : Spec extends `${infer Name}:${string}`
    ? Name
    : Spec

interface Operator {
  readonly first: string
  readonly separator: string
  readonly named: boolean
  /** What follows a name without a value. */
  readonly empty: string
  readonly reserved: boolean
  /** Whether a variable may stay without a value. */
  readonly optional: boolean
}

// RFC 6570 appendix A.
const SIMPLE: Operator = { first: '', separator: ',', named: false, empty: '', reserved: false, optional: false }
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['+', { ...SIMPLE, reserved: true }],
  ['#', { ...SIMPLE, first: '#', reserved: true }],
  ['.', { ...SIMPLE, first: '.', separator: '.' }],
  ['/', { ...SIMPLE, first: '/', separator: '/' }],
  [';', { ...SIMPLE, first: ';', separator: ';', named: true }],
  ['?', { ...SIMPLE, first: '?', separator: '&', named: true, empty: '=', optional: true }],
  ['&', { ...SIMPLE, first: '&', separator: '&', named: true, empty: '=', optional: true }],
])

const SPEC = /^((?:\w|%[0-9a-f]{2})(?:\.?(?:\w|%[0-9a-f]{2}))*)(?:(\*)|:([1-9]\d{0,3}))?$/i

/** Fills a template. Throws `CONFIG` for a variable of the path without a value and for a malformed template. */
export function expand(template: string, params: Params = {}): string {
  const filled = template.replace(/\{([^{}]*)\}/g, (_, expression: string) => {
    const operator = OPERATORS.get(expression.charAt(0))
    return expandExpression(template, operator ? expression.slice(1) : expression, operator ?? SIMPLE, params)
  })
  // A value of '..' cannot be escaped: the URL standard reads '%2e%2e' as '..' too, and would climb up the path.
  if (dotSegments(filled) > dotSegments(template)) {
    throw config(
      `The params of the template ${JSON.stringify(template)} make a path segment '.' or '..', which would change the path above it.`,
    )
  }
  return filled
}

function dotSegments(path: string): number {
  return (path.split(/[?#]/, 1)[0] ?? '').split(/[/\\]/).filter(segment => /^(?:\.|%2e){1,2}$/i.test(segment)).length
}

function expandExpression(template: string, list: string, operator: Operator, params: Params): string {
  const parts: string[] = []
  for (const spec of list.split(',')) {
    const [, name, explode, prefix] = SPEC.exec(spec) ?? []
    if (name === undefined)
      throw config(`The template ${JSON.stringify(template)} has no valid variable in {${list}} (RFC 6570 §2.3).`)
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    if (value === undefined) {
      if (operator.optional) continue
      throw config(
        `The template ${JSON.stringify(template)} needs a value for ${JSON.stringify(name)}: pass { params: { ${name}: … } }.`,
      )
    }
    parts.push(
      ...expandVariable(
        name,
        value,
        operator,
        explode !== undefined,
        prefix === undefined ? undefined : Number(prefix),
      ),
    )
  }
  return parts.length === 0 ? '' : operator.first + parts.join(operator.separator)
}

/** RFC 6570 §3.2.1: a text, a list or an association, exploded or not. */
function expandVariable(
  name: string,
  value: ParamValue,
  operator: Operator,
  explode: boolean,
  prefix: number | undefined,
): string[] {
  const code = (text: string): string => encode(text, operator.reserved)
  const named = (text: string): string => (operator.named ? name + (text === '' ? operator.empty : `=${text}`) : text)
  if (typeof value !== 'object') {
    const text = String(value)
    return [named(code(prefix === undefined ? text : [...text].slice(0, prefix).join('')))]
  }
  if (Array.isArray(value)) {
    const items = (value as readonly (string | number)[]).map(item => code(String(item)))
    if (items.length === 0) return []
    return explode ? items.map(named) : [named(items.join(','))]
  }
  const entries = Object.entries(value as Record<string, string | number>).map(
    ([key, item]) => [code(key), code(String(item))] as const,
  )
  if (entries.length === 0) return []
  return explode ? entries.map(([key, item]) => `${key}=${item}`) : [named(entries.flat().join(','))]
}

function encode(text: string, reserved: boolean): string {
  if (reserved) {
    return text
      .split(/(%[0-9a-f]{2})/i)
      .map((part, at) =>
        at % 2 === 1 ? part : encodeURI(part).replace(/%5B/g, '[').replace(/%5D/g, ']').replace(/%25/g, '%25'),
      )
      .join('')
  }
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function config(message: string): HttpError {
  return new HttpError('CONFIG', message, { phase: 'config' })
}
