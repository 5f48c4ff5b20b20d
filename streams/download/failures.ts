/** The errors of downloads. */
import { describe, HttpError, type HttpRequest } from '../../src/index.ts'

/** The file cannot be what was asked for: said before anything is sent. */
export function unusable(file: string, why: string, cause?: unknown): HttpError {
  return new HttpError('CONFIG', `download() cannot make the file ${file}: ${why}.`, { phase: 'config', cause })
}

/** The disk refused. */
export function diskFailed(request: HttpRequest | undefined, file: string, cause: unknown): HttpError {
  const { code, syscall } = cause as { readonly code?: unknown; readonly syscall?: unknown }
  const known = typeof code === 'string' ? `${code}${typeof syscall === 'string' ? ` (${syscall})` : ''}` : undefined
  const why = known ?? (cause instanceof Error ? cause.message : 'an error')
  return failed(request, `could not be kept in ${file}: ${why}`, cause)
}

/** What came is not what was to come. */
export function failed(request: HttpRequest | undefined, what: string, cause?: unknown): HttpError {
  const whose = request === undefined ? 'The answer' : `The answer to ${describe(request)}`
  return new HttpError('BODY', `${whose} ${what}.`, { phase: 'body', request, cause })
}

/** The code by which a failure of the file system is known. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

/** Ends what runs, because what is there is no part of what the server has: it begins anew. Nobody outside sees it. */
export class StartOver extends Error {
  readonly because: string

  constructor(because: string) {
    super(because)
    this.because = because
  }
}

/** Carries an error that no further attempt helps with, such as one of the disk. Nobody outside sees it. */
export class Final extends Error {
  readonly error: HttpError

  constructor(error: HttpError) {
    super(error.message)
    this.error = error
  }
}
