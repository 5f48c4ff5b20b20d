/** Sends a body over a stream: one piece at a time, and the next one when the peer has taken the last. */
import type { ClientHttp2Stream } from 'node:http2'
import type { Upload } from '../exchange/upload.ts'

/** Hears how the upload ends, unless the stream ends before it. */
export interface PumpListener {
  /** The last byte was taken. */
  sentAll(): void
  /** The source failed. */
  sourceFailed(error: unknown): void
}

/**
 * Moves an upload into a stream. Never by `pipe` or `pipeline`: a stream of Node that is reset while it is fed by these spins
 * for ever, and what is written without asking waits in memory.
 */
export function pump(upload: Upload, stream: ClientHttp2Stream, listener: PumpListener): void {
  const write = (bytes: Uint8Array): void => {
    stream.write(bytes, error => {
      if (isOver(error)) return
      upload.took(bytes.length)
      pull()
    })
  }
  const end = (): void => {
    stream.end(() => {
      if (isOver(stream.errored)) return
      upload.tookAll()
      listener.sentAll()
    })
  }
  const isOver = (error: unknown): boolean => stream.closed || (error !== undefined && error !== null)
  const pull = (): void => {
    upload.next().then(
      step => {
        if (stream.closed) return
        if (step.done === true) end()
        else write(step.value)
      },
      (error: unknown) => {
        listener.sourceFailed(error)
      },
    )
  }
  pull()
}
