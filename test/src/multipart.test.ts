import fc from 'fast-check'
import { FormData as UndiciFormData } from 'undici'
import { describe, expect, it } from 'vitest'
import { isFormData, multipart } from '../../src/multipart.ts'
import type { UploadSource } from '../../src/upload.ts'
import { thrown } from './thrown.ts'

async function sent(form: FormData): Promise<{ text: string; boundary: string; length: number | undefined }> {
  const { body, contentType = '' } = multipart(form)
  const source = body as UploadSource
  const iterator = source.open()
  const chunks: Uint8Array[] = []
  for (let step = await iterator.next(); !step.done; step = await iterator.next()) chunks.push(step.value)
  const bytes = Buffer.concat(chunks)
  expect(source).toMatchObject({ length: bytes.length, replayable: true })
  const boundary = /^multipart\/form-data; boundary=([a-z0-9-]+)$/.exec(contentType)?.[1] ?? ''
  return { text: bytes.toString(), boundary, length: source.length }
}

/** What the platform's own fetch would send, with our boundary. */
async function platform(form: FormData, boundary: string): Promise<string> {
  const response = new Response(form)
  const own = /boundary=(.+)$/.exec(response.headers.get('content-type') ?? '')?.[1] ?? ''
  return (await response.text()).replaceAll(own, boundary)
}

function form(entries: readonly (readonly [string, string | File])[]): FormData {
  const made = new FormData()
  for (const [name, value] of entries) made.append(name, value)
  return made
}

describe('multipart', () => {
  it('is what a form is on the wire', async () => {
    const { text, boundary } = await sent(
      form([
        ['name', 'Ada'],
        ['file', new File(['content'], 'a.txt', { type: 'text/plain' })],
      ]),
    )
    expect(text).toBe(
      [
        `--${boundary}`,
        'Content-Disposition: form-data; name="name"',
        '',
        'Ada',
        `--${boundary}`,
        'Content-Disposition: form-data; name="file"; filename="a.txt"',
        'Content-Type: text/plain',
        '',
        'content',
        `--${boundary}--`,
        '',
      ].join('\r\n'),
    )
  })

  it.each<[string, readonly (readonly [string, string | File])[]]>([
    ['no fields', []],
    [
      'repeated names',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    ['hostile names', [['a"b\r\nc: d\n\re\0', 'x']]],
    ['line ends of every kind', [['a\nb\rc\r\nd', 'a\nb\rc\r\nd']]],
    ['hostile file names', [['f', new File(['x'], 'a"\r\nContent-Type: text/html\n\r.txt')]]],
    [
      'text beyond ASCII',
      [
        ['ä😀', 'ü€'],
        ['f', new File(['x'], 'ö.txt')],
      ],
    ],
    ['a file without a type', [['f', new File(['\0\u{1}\r\n'], 'x')]]],
    ['an empty file', [['f', new File([], 'x')]]],
  ])('sends what the fetch of the platform sends: %s', async (_, entries) => {
    const { text, boundary } = await sent(form(entries))
    expect(text).toBe(await platform(form(entries), boundary))
  })

  it('sends what the fetch of the platform sends, whatever the texts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), fc.string())), async entries => {
        const { text, boundary } = await sent(form(entries))
        expect(text).toBe(await platform(form(entries), boundary))
      }),
      { numRuns: 50 },
    )
  })

  it('takes a form of the undici package', async () => {
    const made = new UndiciFormData()
    made.append('a', 'b')
    made.append('f', new Blob(['x']), 'x.bin')
    expect(isFormData(made)).toBe(true)
    const { text } = await sent(made as unknown as FormData)
    expect(text).toContain('filename="x.bin"\r\nContent-Type: application/octet-stream\r\n\r\nx\r\n')
  })

  it('never makes the same boundary twice, of 160 bits', async () => {
    const boundaries = new Set<string>()
    for (let n = 0; n < 100; n++) boundaries.add((await sent(form([]))).boundary)
    expect(boundaries.size).toBe(100)
    for (const boundary of boundaries) expect(boundary).toMatch(/^sluice-[0-9a-f]{40}$/)
  })

  it.each([['text/html\r\nX-Evil: 1'], ['a\0b'], ['ä'], [7], [null], [{ toString: () => 'a/b\r\nx: y' }]])(
    'refuses a file that says its type is %o',
    type => {
      const file = new File(['x'], 'x')
      Object.defineProperty(file, 'type', { value: type })
      const error = thrown(() => multipart(form([['f', file]])))
      expect(error.code).toBe('CONFIG')
      expect(error.message).not.toContain('Evil')
    },
  )

  it('reads a type once', () => {
    let reads = 0
    const file = new File(['x'], 'x')
    Object.defineProperty(file, 'type', { get: () => (reads++ === 0 ? 'text/plain' : 'text/plain\r\nX-Evil: 1') })
    multipart(form([['f', file]]))
    expect(reads).toBe(1)
  })

  it('refuses a part that is neither text nor a file', () => {
    const foreign = {
      [Symbol.toStringTag]: 'FormData',
      entries: () => [['f', { name: 'x', size: 1, type: 'text/plain', stream: () => null }]],
    } as unknown as FormData
    expect(isFormData(foreign)).toBe(true)
    expect(thrown(() => multipart(foreign)).message).toBe(
      'The part "f" of a form must be text, a Blob or a File, not an object.',
    )
  })
})
