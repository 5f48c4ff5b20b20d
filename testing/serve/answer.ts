/** Sends one reply, and lets its fault strike at the byte it names. */
import { bytesOf, type EncodedBody } from './body.ts'
import type { Fault, FaultPlace } from './fault.ts'
import { pause, untilGone, whileHere } from './gone.ts'
import type { Piece, Reply } from './reply.ts'
import type { Voice, Wire } from './wire.ts'

/** What sending a reply needs, and whom it tells how far it got. */
export interface Answering {
  readonly wire: Wire
  readonly voice: Voice
  /** Called when the head is with the kernel. */
  readonly headSent: (status: number) => void
  /** Called when bytes of the body are with the kernel. */
  readonly bodySent: (bytes: number) => void
  /** Called when a fault has struck and nothing more will be said. */
  readonly broken: () => void
}

/** Sends `reply`. Rejects with `Gone` when the client leaves. */
export async function answer(reply: Reply, answering: Answering): Promise<void> {
  const { wire, voice, headSent } = answering
  const { gone } = wire
  const { status = 200, fault } = reply
  const strikeAt = async (place: FaultPlace): Promise<void> => {
    if (fault?.at === place) await strike(fault, answering)
  }

  for (const { status: early, headers } of reply.informational ?? []) await wire.inform(early, headers)
  if (reply.delay) await pause(gone, reply.delay)
  await strikeAt('before-head')
  const { head } = voice
  if (head) {
    const cut = fault?.at === 'mid-head' ? Math.min(fault.bytes ?? head.length >> 1, head.length) : 0
    if (cut > 0) await voice.writeHead(head.subarray(0, cut))
    await strikeAt('mid-head')
    await voice.writeHead(head.subarray(cut))
    headSent(status)
    await strikeAt('after-head')
  }
  if (reply.bodyDelay) await pause(gone, reply.bodyDelay)
  if (voice.bodied) {
    await sendPieces(fault, answering)
    await voice.end()
  }
  if (!head) headSent(status)
  await strikeAt('after-body')
  voice.drip(undefined)
}

/** Lets a fault happen. Resolves only when it is one that goes on sending. */
export async function strike(
  fault: Fault,
  { wire, voice, broken }: Pick<Answering, 'wire' | 'broken'> & { readonly voice?: Voice },
): Promise<void> {
  if (fault.kind === 'drip') {
    voice?.drip(fault.every ?? 20)
    return
  }
  if (wire.strike(fault)) return
  broken()
  await untilGone(wire.gone)
}

async function sendPieces(fault: Fault | undefined, answering: Answering): Promise<void> {
  const { voice, bodySent } = answering
  const { body } = voice
  const { gone } = answering.wire
  const mid = fault?.at === 'mid-body' ? fault : undefined
  let left = mid ? (mid.bytes ?? (body.length === undefined ? undefined : body.length >> 1)) : Infinity
  const write = async (bytes: Uint8Array): Promise<void> => {
    await voice.write(bytes)
    bodySent(bytes.length)
  }
  for await (const piece of whilePulled(body.pieces, gone)) {
    const bytes = bytesOf(piece, body.encoding)
    left ??= bytes.length >> 1
    if (mid && left === 0) {
      await strike(mid, answering)
      left = Infinity
    }
    await voice.begin(bytes.length)
    if (mid && left <= bytes.length) {
      await write(bytes.subarray(0, left))
      await strike(mid, answering)
      await write(bytes.subarray(left))
      left = Infinity
    } else {
      await write(bytes)
      left -= bytes.length
    }
    await voice.done(bytes.length)
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
