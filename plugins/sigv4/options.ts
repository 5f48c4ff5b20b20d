/** What can be said of signatures. */
import type { Later } from '../auth/later.ts'

/** Whose key signs. Nothing but the key id is ever sent of it, and the session token. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Sent and signed as `X-Amz-Security-Token`. */
  readonly sessionToken?: string | undefined
  /** When they expire: a `Date`, or milliseconds since the epoch. */
  readonly expiration?: Date | number | undefined
}

/** Options of `sigv4`. Bad input throws `CONFIG`. */
export interface SigV4Options {
  /** The region of the service, such as `eu-central-1`. It has to be given. */
  readonly region: string | undefined
  /** The name by which the service signs, such as `s3`, `execute-api`, `dynamodb`. It has to be given. */
  readonly service: string | undefined
  /**
   * The credentials, or a function that gets them, at once or later: a Promise, an Observable, an async iterable, of which the first value counts. With
   * `expiration` what it gave is kept until five minutes before; without, it is asked for every send. It is asked once at a time, whoever waits; the last
   * one who leaves stops it. They have to be given.
   */
  readonly credentials: AwsCredentials | (() => AwsCredentials | Later<AwsCredentials>) | undefined
  /** The origins whose requests are signed. Default: that of the client's `baseUrl`; without either a request fails with `CONFIG`. */
  readonly origins: readonly string[] | undefined
  /**
   * How bodies are signed:
   *
   * - `signed`: by their hash. A body that is produced while it is sent is read twice; one that can be read only once is `CONFIG`.
   * - `streaming`: bytes by their hash, and what is produced while it is sent in signed chunks of 64 KiB (S3). Its length must be known: a Blob has one, else give
   *   `content-length`; without it is `CONFIG`.
   * - `unsigned`: not at all (S3), over https only, else `CONFIG`.
   *
   * Default `signed`. An `x-amz-content-sha256` of the call goes before all of it.
   */
  readonly payload: 'signed' | 'streaming' | 'unsigned'
}
