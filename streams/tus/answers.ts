/** What the answers of a tus server say (tus 1.0.0). */
import {
  clock,
  describe,
  HttpError,
  isHttpError,
  parseHttpDate,
  type HttpRequest,
  type ResponseHead,
} from '../../src/index.ts'
import { worthAnotherTry } from '../again/worth.ts'

/** Where an upload was created. It has to be on the origin that was asked: the headers of the call go there, too. */
export function placeOf(head: ResponseHead, asked: HttpRequest): URL {
  const location = head.headers.get('location')
  const place = location === undefined ? undefined : (URL.parse(location, head.url) ?? undefined)
  if (place === undefined) {
    throw wrong(asked, `does not say where the upload is: Location is ${location === undefined ? 'missing' : 'no url'}`)
  }
  if (place.username !== '' || place.password !== '') {
    throw wrong(asked, 'says that the upload is at a url with a user or a password, which are not sent')
  }
  if (place.origin === new URL(asked.url).origin) return place
  throw wrong(
    asked,
    `says that the upload is on another origin (${place.origin}), where the headers of the call may not go`,
  )
}

/** When an upload expires, in milliseconds since the epoch. */
export function expiryOf({ headers }: ResponseHead): number | undefined {
  return parseHttpDate(headers.get('upload-expires') ?? '', clock.now())
}

/** How much of the upload the server has. */
export function offsetOf(head: ResponseHead, size: number, asked: HttpRequest): number {
  const said = head.headers.get('upload-offset')
  if (said === undefined || !/^\d{1,15}$/.test(said) || Number(said) > size) {
    throw wrong(
      asked,
      `does not say how much the server has: Upload-Offset is ${said === undefined ? 'missing' : 'wrong'}`,
    )
  }
  return Number(said)
}

/** Refuses to go on with an upload of something else. */
export function checkLength({ headers }: ResponseHead, size: number, asked: HttpRequest): void {
  const length = headers.get('upload-length')
  if (length === undefined || Number(length) === size) return
  throw wrong(asked, `says that the upload has ${length} bytes, and not the ${size} that are to be sent`)
}

/** The error of a server that accepts bytes and keeps none: it would be given them for ever. */
export function tookNothing(asked: HttpRequest): HttpError {
  return wrong(asked, 'says that the server took nothing of what it was sent')
}

/** The error of a server that has bytes of the upload that nobody sent: what is left would not fit behind them. */
export function tookTooMuch(asked: HttpRequest, offset: number, sent: number): HttpError {
  return wrong(asked, `says that the server has ${offset} bytes, and it was sent no more than ${sent}`)
}

/** The server has forgotten the upload. */
export function isGone(error: unknown): boolean {
  return isHttpError(error) && error.code === 'STATUS' && GONE.has(error.response?.status ?? 0)
}

/** Another attempt may come out otherwise. */
export function worthAsking(error: unknown): boolean {
  return (
    worthAnotherTry(error) || (isHttpError(error) && error.code === 'STATUS' && BUSY.has(error.response?.status ?? 0))
  )
}

const GONE: ReadonlySet<number> = new Set([404, 410])
/** Conflict: the server has another offset, which it can be asked for. Locked: another request for the upload has not ended. */
const BUSY: ReadonlySet<number> = new Set([409, 423])

function wrong(request: HttpRequest, what: string): HttpError {
  const hint = /missing/.test(what)
    ? '; to other origins a browser shows only what Access-Control-Expose-Headers names'
    : ''
  return new HttpError('PROTOCOL', `The answer to ${describe(request)} ${what}${hint}.`, { phase: 'headers', request })
}
