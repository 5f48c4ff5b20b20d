/** Sends one reply, and lets its fault strike at the byte it names. */
import { bytesOf, headBytes, lastChunk, type Encoded, type EncodedBody } from './encode.ts'
import type { Fault, FaultPlace } from './fault.ts'
import { pause, untilGone, whileHere } from './gone.ts'
import type { Piece, Reply } from './reply.ts'
import type { Wire } from './wire.ts'

/** What sending a reply needs, and whom it tells how far it got. */
export interface Answering {
  readonly wire: Wire
  readonly encoded: Encoded
  /** Called when the head is with the kernel. */
  readonly headSent: (status: number) => void
  /** Called when a fault has struck and nothing more will be said. */
  readonly broken: () => void
}

/** Sends `reply`. Resolves with whether the connection ends with it; rejects with `Gone` when the client leaves. */
export async function answer(reply: Reply, answering: Answering): Promise<boolean> {
  const { wire, encoded, headSent } = answering
  const { outlet, gone } = wire
  const { status = 200, fault } = reply
  const strikeAt = async (place: FaultPlace): Promise<void> => {
    if (fault?.at === place) await strike(fault, answering)
  }

  const { body, head } = encoded
  for (const { status: early, headers } of reply.informational ?? [])
    await outlet.write(headBytes(early, undefined, headers))
  if (reply.delay) await pause(gone, reply.delay)
  await strikeAt('before-head')
  if (head) {
    const cut = fault?.at === 'mid-head' ? Math.min(fault.bytes ?? head.bytes.length >> 1, head.bytes.length) : 0
    await outlet.write(head.bytes.subarray(0, cut))
    await strikeAt('mid-head')
    await outlet.write(head.bytes.subarray(cut))
    headSent(status)
    await strikeAt('after-head')
  }
  if (reply.bodyDelay) await pause(gone, reply.bodyDelay)
  if (!head || head.bodied) {
    await sendPieces(body, fault, head?.chunked === true, answering)
    if (head?.chunked) await outlet.write(lastChunk(reply.trailers))
  }
  if (!head) headSent(status)
  await strikeAt('after-body')
  outlet.drip(undefined)
  return head ? head.closes : reply.close === true
}

/** Lets a fault happen. Resolves only when it is one that goes on sending. */
export async function strike(fault: Fault, { wire, broken }: Pick<Answering, 'wire' | 'broken'>): Promise<void> {
  if (fault.kind === 'drip') {
    wire.outlet.drip(fault.every ?? 20)
    return
  }
  if (fault.kind === 'reset') wire.reset()
  if (fault.kind === 'fin') wire.fin()
  broken()
  await untilGone(wire.gone)
}

async function sendPieces(
  body: EncodedBody,
  fault: Fault | undefined,
  chunked: boolean,
  answering: Answering,
): Promise<void> {
  const { outlet, gone } = answering.wire
  const mid = fault?.at === 'mid-body' ? fault : undefined
  let left = mid ? (mid.bytes ?? (body.length === undefined ? undefined : body.length >> 1)) : Infinity
  for await (const piece of whilePulled(body.pieces, gone)) {
    const bytes = bytesOf(piece, body.encoding)
    left ??= bytes.length >> 1
    if (mid && left === 0) {
      await strike(mid, answering)
      left = Infinity
    }
    // A chunk of no bytes would end the body.
    const framed = chunked && bytes.length > 0
    if (framed) await outlet.write(Buffer.from(`${bytes.length.toString(16)}\r\n`))
    if (mid && left <= bytes.length) {
      await outlet.write(bytes.subarray(0, left))
      await strike(mid, answering)
      await outlet.write(bytes.subarray(left))
      left = Infinity
    } else {
      await outlet.write(bytes)
      left -= bytes.length
    }
    if (framed) await outlet.write(CRLF)
  }
  if (mid && left !== Infinity) await strike(mid, answering)
}

/** Pulls one piece after the other; when the client leaves, the source is told so and not waited for. */
async function* whilePulled(pieces: EncodedBody['pieces'], gone: AbortSignal): AsyncGenerator<Piece, void, undefined> {
  const source = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  let exhausted = false
  try {
    for (;;) {
      const next = source.next()
      const step = 'then' in next ? await whileHere(gone, next) : next
      if (step.done) {
        exhausted = true
        return
      }
      yield step.value
    }
  } finally {
    if (!exhausted) void Promise.resolve(source.return?.()).catch(() => {})
  }
}

const CRLF = Buffer.from('\r\n')
