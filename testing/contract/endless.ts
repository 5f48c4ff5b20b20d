/** A body that never ends, and knows whether it was left. */

/** A source without end that counts how often it was opened, and how often it was told to stop. */
export class Endless implements AsyncIterable<Uint8Array> {
  opened = 0
  returned = 0
  produced = 0;

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.opened++
    return {
      next: async () => {
        await new Promise(resolve => setImmediate(resolve))
        this.produced += 16_384
        return { done: false, value: new Uint8Array(16_384) }
      },
      return: async () => {
        this.returned++
        return { done: true, value: undefined }
      },
    }
  }
}
