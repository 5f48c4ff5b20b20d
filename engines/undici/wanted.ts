/** What undici is asked to send. */
import type { Dispatcher } from 'undici'
import type { HttpRequest } from '../../src/index.ts'
import type { Forwarding } from '../exchange/forwarding.ts'
import type { Upload } from '../exchange/upload.ts'

/** The options of one dispatch. undici reads more than are set here: none may come from a polluted `Object.prototype`. */
export class Wanted implements Dispatcher.DispatchOptions {
  readonly path: string
  readonly method: string
  readonly headers: string[]
  readonly body: Buffer | null
  declare readonly reset?: boolean
  declare readonly blocking?: boolean

  static {
    Object.setPrototypeOf(Wanted.prototype, null)
  }

  constructor(request: HttpRequest, body: Uint8Array | Upload | null, pipelined: boolean, forwarding?: Forwarding) {
    this.path = forwarding?.target ?? request.target
    this.method = request.method
    // undici takes a flat list, and does not change it.
    const { flat } = request.headers
    this.headers = (forwarding?.fields(flat) ?? flat) as string[]
    // undici takes any iterable, more than its types say.
    this.body = body as Buffer | null
    // undici closes the connection after HEAD unless told not to.
    if (request.method === 'HEAD') this.reset = false
    if (pipelined) this.blocking = false
  }
}
