/** URI templates, RFC 6570 up to level 4: `users/{id}{?page,size}`. */
import { shown } from './check.ts'
import { config, type HttpError } from './errors.ts'
import type { Params } from './params.ts'
import { redactUrl } from './redact.ts'

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
  if (typeof params !== 'object' || (params as object | null) === null) {
    throw config(`The params of the template ${quoted(template)} must be an object, not ${shown(params)}.`)
  }
  // The template with a letter for every expression: what its author wrote, and nothing that a value brought.
  let own = ''
  let filled = ''
  let end = 0
  for (const { 0: whole, 1: expression = '', index } of template.matchAll(/\{([^{}]*)\}/g)) {
    const operator = OPERATORS.get(expression.charAt(0))
    const list = operator ? expression.slice(1) : expression
    const expanded = expandExpression(template, list, operator ?? SIMPLE, params)
    const literal = template.slice(end, index)
    own += `${literal}x${/[?#]/.exec(expanded)?.[0] ?? ''}`
    filled += literal + expanded
    end = index + whole.length
  }
  own += template.slice(end)
  filled += template.slice(end)
  if (/[{}]/.test(own)) {
    throw config(`The template ${quoted(template)} has a brace without its partner; write it as %7B or %7D.`)
  }
  // A value of '..' cannot be escaped: the URL standard reads '%2e%2e' as '..' too, and would climb up the path.
  if (dotSegments(filled) > dotSegments(own)) {
    throw config(
      `The params of the template ${quoted(template)} make a path segment '.' or '..', which would change the path above it.`,
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
      throw config(`The template ${quoted(template)} has no valid variable in {${list}} (RFC 6570 §2.3).`)
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    if (value === undefined) {
      if (operator.optional) continue
      throw config(
        `The template ${quoted(template)} needs a value for ${JSON.stringify(name)}: pass { params: { ${name}: … } }.`,
      )
    }
    const limit = prefix === undefined ? undefined : Number(prefix)
    parts.push(...expandVariable({ template, name, operator, explode: explode !== undefined, limit }, value))
  }
  return parts.length === 0 ? '' : operator.first + parts.join(operator.separator)
}

/** A variable where it stands. */
interface Variable {
  readonly template: string
  readonly name: string
  readonly operator: Operator
  readonly explode: boolean
  readonly limit: number | undefined
}

/** RFC 6570 §3.2.1: a text, a list or an association, exploded or not. */
function expandVariable(variable: Variable, value: unknown): string[] {
  const { name, operator, explode, limit } = variable
  const code = (item: unknown): string => encode(written(variable, item), operator.reserved)
  if (typeof value !== 'object') {
    const text = written(variable, value)
    return [pair(operator, name, code(limit === undefined ? text : [...text].slice(0, limit).join('')))]
  }
  if (limit !== undefined) throw config(`${nameOf(variable)} is a list or an object, of which no prefix can be taken.`)
  if (Array.isArray(value)) {
    const items = value.map(code)
    if (explode) return items.map(item => pair(operator, name, item))
    return items.length === 0 ? [] : [pair(operator, name, items.join(','))]
  }
  const entries = members(variable, value).map(([key, item]) => [code(key), code(item)] as const)
  if (explode) return entries.map(([key, item]) => (operator.named ? pair(operator, key, item) : `${key}=${item}`))
  return entries.length === 0 ? [] : [pair(operator, name, entries.flat().join(','))]
}

function pair({ named, empty }: Operator, name: string, text: string): string {
  return named ? name + (text === '' ? empty : `=${text}`) : text
}

function members(variable: Variable, value: object | null): [string, unknown][] {
  const prototype: unknown = value && Object.getPrototypeOf(value)
  if (value !== null && (prototype === Object.prototype || prototype === null)) return Object.entries(value)
  throw notAParam(variable, value)
}

function written(variable: Variable, value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return value
  if (typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value)) return String(value)
  throw notAParam(variable, value)
}

function notAParam(variable: Variable, value: unknown): HttpError {
  const what = typeof value === 'string' ? 'a string with half a surrogate pair' : shown(value)
  return config(
    `${nameOf(variable)} must be text, a number, true or false, or a list or a plain object of those, not ${what}.`,
  )
}

function nameOf({ template, name }: Variable): string {
  return `The value of ${JSON.stringify(name)} in the template ${quoted(template)}`
}

function quoted(template: string): string {
  return JSON.stringify(redactUrl(template))
}

function encode(text: string, reserved: boolean): string {
  if (reserved) {
    return text
      .split(/(%[0-9a-f]{2})/i)
      .map((part, at) => (at % 2 === 1 ? part : encodeURI(part).replace(/%5B/g, '[').replace(/%5D/g, ']')))
      .join('')
  }
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
