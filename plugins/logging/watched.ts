/** A body that is produced while it is sent, looked at as the engine takes it. */
import type { UploadIterator, UploadSource } from '../../src/index.ts'
import type { Peek } from './peek.ts'

/** Makes the same source; `open` is asked for whoever looks at each send. */
export function watched(source: UploadSource, open: () => Peek): UploadSource {
  return {
    length: source.length,
    replayable: source.replayable,
    get spent() {
      return source.spent === true
    },
    open() {
      const iterator = source.open()
      return looking(iterator, open())
    },
  }
}

function looking(iterator: UploadIterator, peek: Peek): UploadIterator {
  return {
    async next() {
      const step = await iterator.next()
      if (!step.done) peek.see(step.value)
      return step
    },
    return: () => iterator.return(),
  }
}
