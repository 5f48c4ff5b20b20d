/** Prototype pollution: whatever name somebody puts on Object.prototype, nothing changes on the wire. */
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { createClient, definePlugin, recommended, type StreamingResponse } from 'sluice'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { filesIn } from '../house/files.ts'
import { ScriptedEngine } from './scripted-engine.ts'

const ROOMS = ['src', 'plugins']

/** Every name by which our sources read, declare or take apart a property. */
function namesIn(text: string): string[] {
  const names: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.name)) names.push(node.name.text)
    if (ts.isPropertySignature(node) && ts.isIdentifier(node.name)) names.push(node.name.text)
    if (ts.isBindingElement(node)) {
      const name = node.propertyName ?? node.name
      if (ts.isIdentifier(name)) names.push(name.text)
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext))
  return names
}

// The language, the platform or RxJS itself reads these from any object: with them polluted no program runs as written.
const NOT_OURS = new Set(
  'complete configurable enumerable error get length next operator return set then toJSON value writable'.split(' '),
)
const NAMES = [...new Set(ROOMS.flatMap(room => filesIn(room, '.ts').flatMap(({ text }) => namesIn(text))))]
  .filter(name => !NOT_OURS.has(name) && !(name in {}))
  .toSorted()

const VALUES: readonly unknown[] = [
  'evil',
  'https://evil.test/',
  7,
  true,
  false,
  { evil: 'yes', 'x-evil': 'yes' },
  ['x-evil', 'yes'],
  () => 'evil',
]

const own = definePlugin({
  name: 'own',
  scope: 'call',
  defaults: { tag: undefined as string | undefined, on: true },
  install: () => (request, next, options) => next(request.header('x-options', JSON.stringify(options))),
})

async function read({ body }: StreamingResponse): Promise<string> {
  const reader = body.getReader()
  let text = ''
  for (let step = await reader.read(); !step.done; step = await reader.read())
    text += new TextDecoder().decode(step.value)
  return text
}

/** Everything a client sends and hears in a round of calls. */
async function round(): Promise<string[]> {
  const lines: string[] = []
  const engine = new ScriptedEngine(sent => {
    void sent.uploaded().then(body => {
      const { method, url, headers } = sent.request
      lines.push(`${method} ${url} ${headers.flat.join('|')} ${body}`.replace(/sluice-[0-9a-f]+/g, 'boundary'))
      sent.answer('{"a":1}', 200, { 'content-type': 'application/json' })
    })
  })
  const client = createClient({ engine, baseUrl: 'https://api.test/v1/', plugins: [own(), ...recommended()] })
  const form = new FormData()
  form.set('a', 'b')
  form.set('f', new File(['x'], 'x.txt', { type: 'text/plain' }))
  const answers = [
    await firstValueFrom(client.get('plain')),
    await firstValueFrom(
      client.get('users/{id}{?page}', { params: { id: 7 }, query: { q: 'x' }, headers: { a: 'b' } }),
    ),
    await firstValueFrom(client.post('json', { name: 'Ada' }, { own: { tag: 'call' } })),
    await firstValueFrom(client.put('form', form, {})),
    await firstValueFrom(client.put('blob', new Blob(['x']), { retry: false })),
    await firstValueFrom(client.request('PROPFIND', 'dav')),
    await firstValueFrom(client.extend({ baseUrl: 'deep/' }).delete('x')),
  ]
  lines.push(...answers.map(answer => `${answer.status} ${answer.text()} ${answer.trailers.size}`))
  lines.push(await lastValueFrom(client.stream('stream', read, {})))
  lines.push(client.explain(), JSON.stringify(await client.close({})))
  return lines
}

/** The names among these that change what a round sends or hears when they have this value. */
async function culprits(names: readonly string[], value: unknown, clean: readonly string[]): Promise<string[]> {
  for (const name of names) {
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: false, writable: true })
  }
  let polluted: readonly string[]
  try {
    polluted = await Promise.race([round(), late()])
  } catch (error) {
    polluted = [String(error)]
  } finally {
    for (const name of names) Reflect.deleteProperty(Object.prototype, name)
  }
  if (polluted.join('\n') === clean.join('\n')) return []
  if (names.length === 1)
    return [`${names.join()} = ${JSON.stringify(value)}: ${polluted.find((line, at) => line !== clean[at]) ?? ''}`]
  const half = Math.ceil(names.length / 2)
  return [...(await culprits(names.slice(0, half), value, clean)), ...(await culprits(names.slice(half), value, clean))]
}

const late = (): Promise<string[]> =>
  new Promise(resolve => {
    setTimeout(resolve, 2_000, ['nothing came']).unref()
  })

describe('a polluted Object.prototype', () => {
  it('has names to be polluted with', () => {
    expect(NAMES).toEqual(
      expect.arrayContaining(['baseUrl', 'engine', 'headers', 'method', 'times', 'force', 'discard']),
    )
    expect(NAMES.length).toBeGreaterThan(300)
  })

  it.each(VALUES.map(value => ({ value })))(
    'with $value under every name that we read changes nothing that is sent, nor what comes of it',
    { timeout: 60_000 },
    async ({ value }) => {
      const clean = await round()
      const changed: string[] = []
      for (let at = 0; at < NAMES.length; at += 25)
        changed.push(...(await culprits(NAMES.slice(at, at + 25), value, clean)))
      expect(changed).toEqual([])
    },
  )
})
