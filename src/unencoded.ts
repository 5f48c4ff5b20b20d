/** A body that is still a value: for the plugin that encodes it. */
import { config } from './errors.ts'
import type { UploadIterator, UploadSource } from './upload.ts'

/**
 * Holds a plain value as it was given as a body, in clients with a plugin that encodes such values (`values` of its spec). That plugin puts a
 * body in its place; nothing sends it as it is.
 */
export class Unencoded implements UploadSource {
  readonly length = undefined
  readonly replayable = true
  readonly value: object

  constructor(value: object) {
    this.value = value
  }

  open(): UploadIterator {
    throw config('The body is a value that no plugin has encoded.')
  }
}
