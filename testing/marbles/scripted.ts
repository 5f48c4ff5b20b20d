/** Replies of the mock, drawn as marble diagrams. */
import { TestScheduler } from 'rxjs/testing'
import type { MockChunk, MockReply } from '../../engines/mock.ts'

/**
 * Draws a reply: `h` is its head, `|` its end, `#` the end of the connection before its time, any other letter a piece of the body,
 * looked up in `pieces` or sent as the letter itself. A diagram without an end stalls there. A frame is a millisecond.
 *
 * Throws a `TypeError` for a body that begins before its head.
 *
 * @example
 * ```ts
 * import { createClient } from 'sluice'
 * import { marbles, scripted } from 'sluice/testing'
 *
 * marbles(({ api, expectExchanges }) => {
 *   api.on('GET /rows', scripted('--h--a-b-|', { a: '{"row":1}\n', b: '{"row":2}\n' }))
 *   createClient({ engine: api, plugins: [] })
 *     .get('https://api.test/rows')
 *     .subscribe(response => console.log(response.text().length)) // 20
 *   expectExchanges().toBe('^--------|')
 * })
 * ```
 */
export function scripted(
  diagram: string,
  pieces: Readonly<Record<string, string | Uint8Array>> = {},
  reply: MockReply = {},
): MockReply {
  const chunks: MockChunk[] = []
  let head: number | undefined
  let now = 0
  // Outside of run() RxJS counts ten to a frame.
  const oneFrame = parse('-|')[0]?.frame ?? 1
  for (const { frame, notification } of parse(diagram)) {
    const time = frame / oneFrame
    if (head === undefined) {
      if (notification.kind === 'E') return { ...reply, delay: time, reset: 'headers' }
      if (notification.kind === 'C' || notification.value !== 'h') {
        throw new TypeError(`'${diagram}' has a body before its head; write the head as h, as in '--h--a-b-|'`)
      }
      head = time
    } else {
      if (time > now) chunks.push(time - now)
      if (notification.kind === 'E') return { ...reply, delay: head, chunks, cut: true }
      if (notification.kind === 'C') return { ...reply, delay: head, chunks }
      const letter = notification.value as string
      chunks.push(pieces[letter] ?? letter)
    }
    now = time
  }
  return head === undefined ? { ...reply, stall: 'headers' } : { ...reply, delay: head, chunks, stall: 'body' }
}

function parse(diagram: string): ReturnType<typeof TestScheduler.parseMarbles> {
  return TestScheduler.parseMarbles(diagram, undefined, undefined, false, true)
}
