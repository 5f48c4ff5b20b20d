/** A request body and how it is read: its `100 Continue`, and its pace. */
import type { Ledger, OpenRequestAccount } from './account.ts'
import { pause } from './gone.ts'
import type { ReadPace } from './reply.ts'
import { RequestBody, type RequestFraming } from './request-body.ts'
import type { RequestHead } from './request-head.ts'
import type { Wire } from './wire.ts'

/** What reading an upload needs. */
export interface UploadParts {
  readonly wire: Wire
  readonly head: RequestHead
  readonly ledger: Ledger
  readonly keepBody: number
  readonly framing: RequestFraming
}

/** An upload on its way. */
export interface Upload {
  readonly body: RequestBody
  /** Whether the client waits for a `100 Continue` that it never got. */
  readonly unasked: boolean
  /** From now on no `100 Continue` is sent. */
  refuse(): void
}

/** Makes the body of a request readable; the first read sends the `100 Continue` a client waits for. */
export function openUpload(
  { wire, head, framing, ledger, keepBody }: UploadParts,
  account: OpenRequestAccount,
): Upload {
  let unasked = head.headers['expect']?.toLowerCase() === '100-continue'
  let refused = false
  const begin = async (): Promise<void> => {
    if (!unasked || refused) return
    unasked = false
    await wire.inform(100, undefined)
  }
  const changed = (): void => ledger.changed()
  const body = new RequestBody({ inlet: wire.inlet, framing, account, keep: keepBody, begin, changed })
  return {
    body,
    get unasked() {
      return unasked
    },
    refuse() {
      refused = true
    },
  }
}

/** Reads exactly `count` bytes of a body, or all of a shorter one. */
export async function readBytes(body: RequestBody, count: number): Promise<void> {
  for (let left = count; left > 0;) {
    const piece = await body.next(left)
    if (piece === undefined) return
    left -= piece.length
  }
}

/** Reads a body to its end at a pace; `none` is as fast as a held connection lets it. */
export async function readAll(body: RequestBody, pace: ReadPace, gone: AbortSignal): Promise<void> {
  if (pace === 'all' || pace === 'none') {
    await body.drain()
    return
  }
  const { bytes, every } = pace === 'slow' ? { bytes: 16 * 1024, every: 20 } : pace
  while (await body.next(bytes)) await pause(gone, every)
}
