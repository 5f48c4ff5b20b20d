/** The one way a conversation ends early: its socket is no more. */

/** Says that the client is no longer there. Never shown to anybody: the account of the connection tells why. */
export class Gone extends Error {
  override readonly name = 'Gone'
}

/** Waits for `work`, but not longer than the connection lives: rejects with `Gone` when `gone` is aborted. */
export async function whileHere<T>(gone: AbortSignal, work: PromiseLike<T>): Promise<T> {
  const end = Promise.withResolvers<never>()
  const leave = (): void => end.reject(new Gone())
  gone.addEventListener('abort', leave, { once: true })
  if (gone.aborted) leave()
  try {
    return await Promise.race([work, end.promise])
  } finally {
    gone.removeEventListener('abort', leave)
  }
}

/** Waits `ms` milliseconds, but not longer than the connection lives; leaves no timer behind. */
export function pause(gone: AbortSignal, ms: number): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const leave = (): void => {
      clearTimeout(timer)
      reject(new Gone())
    }
    const timer = setTimeout(() => {
      gone.removeEventListener('abort', leave)
      resolve()
    }, ms)
    gone.addEventListener('abort', leave, { once: true })
    if (gone.aborted) leave()
  })
}

/** Waits for the end of the connection, then rejects with `Gone`. */
export function untilGone(gone: AbortSignal): Promise<never> {
  return whileHere<never>(gone, new Promise<never>(() => {}))
}
