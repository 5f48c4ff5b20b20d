/** The core as plugins, engines and streams see it. Its users come in by `main.ts`, which adds the defaults. */
export { prepareBody, type Body, type BodyValue, type PreparedBody, type RequestBody } from './body.ts'
export { charsetOf, decodeText } from './charset.ts'
export {
  callback,
  count,
  flag,
  headerName,
  limit,
  listOf,
  milliseconds,
  oneOf,
  optional,
  origin,
  shown,
  size,
  text,
  type Check,
} from './check.ts'
export type { CallOptions, ChildOptions, Client, ClientOptions, MethodOption, RequestOptions, Url } from './client.ts'
export { clock, type Clock } from './clock.ts'
export type { Cookie } from './cookie.ts'
export { discard, DISCARD } from './discard.ts'
export {
  DEADLINE,
  LIMITS,
  NEEDS,
  ROUTE,
  UPLOAD_PROGRESS,
  type Capabilities,
  type ConnectionEvent,
  type Engine,
  type EngineFactory,
  type EventObserver,
  type Exchange,
  type Limits,
  type Need,
  type PoolNumbers,
  type PoolStats,
  type ProxyChallenge,
  type ProxyCredentials,
  type ProxyHop,
  type Reserved,
  type Route,
} from './engine.ts'
export {
  config,
  describe,
  HttpError,
  isHttpError,
  type ErrorCode,
  type HttpErrorDetails,
  type Phase,
  type RequestSummary,
} from './errors.ts'
export {
  notice,
  type ConnectedEvent,
  type ConnectionInfo,
  type Flow,
  type HeadEvent,
  type HttpEvent,
  type NoticeEvent,
  type ProgressEvent,
  type ResponseHead,
  type Timings,
  type TlsInfo,
} from './events.ts'
export { concat, gather, MOST_BYTES } from './gather.ts'
export { guarded } from './guarded.ts'
export { HttpHeaders, type HeadersInit, type HeaderValue } from './headers.ts'
export { alarms, type Alarm } from './kit/alarm.ts'
export { answered, headOf, mapAnswer, tapAnswer, type AnswerEvent, type AnswerMapper } from './kit/answer.ts'
export { canBeSentAgain } from './kit/can-be-sent-again.ts'
export { parseAuthParams, parseChallenges, type Challenge } from './kit/challenges.ts'
export { derived } from './kit/derived.ts'
export { delimiterOf, findBoundary, matchBoundary, type FoundBoundary } from './kit/multipart/boundary.ts'
export { partFields } from './kit/multipart/fields.ts'
export { parametersOf } from './kit/multipart/parameters.ts'
export { Part, PartHead } from './kit/multipart/part.ts'
export {
  DigestNonce,
  hexadecimal,
  type DigestAlgorithm,
  type DigestCredentials,
  type DigestHashing,
  type DigestProof,
  type DigestQop,
  type DigestRequest,
} from './kit/digest-access.ts'
export { FOLLOW } from './kit/follow.ts'
export { PLATFORM, type PlatformWishes } from './kit/platform.ts'
export { parseHttpDate } from './kit/http-date.ts'
export { linkTo, parseLinks, type Link } from './kit/link-header.ts'
export {
  continuable,
  continuation,
  isCoded,
  isRepresentation,
  lengthOf,
  offersRanges,
  type Representation,
} from './kit/ranges.ts'
export { DETAILS, MOST_REFUSED, refused, refusedLive } from './kit/refused.ts'
export { rateLimits, type RateLimit } from './kit/rate-limit-header.ts'
export { reissue, type Outcome } from './kit/reissue.ts'
export { respondWithin } from './kit/respond-within.ts'
export { retryAfter } from './kit/retry-after.ts'
export { identified, IDENTITY, LED_BY, standsFor, STRAYED } from './kit/credentials.ts'
export { tapHead } from './kit/tap-head.ts'
export { RetryBudget, type RetryBudgetOptions } from './kit/retry-budget.ts'
export { isTransient } from './kit/transient.ts'
export type { CloseReport } from './lifetime.ts'
export { Linked, LinkedList } from './linked.ts'
export { REPORT, type CallEvent, type MonitorEvent } from './monitor.ts'
export { arrange } from './order.ts'
export { definePlugin } from './define-plugin.ts'
export { own } from './own.ts'
export type {
  AnyPlugin,
  Given,
  Handler,
  Interceptor,
  OptionsOf,
  Plugin,
  PluginContext,
  PluginFactory,
  PluginSpec,
  Provided,
  Scope,
} from './plugin.ts'
export type { Problem } from './problem.ts'
export { isSensitive, redacted, redactUrl } from './redact.ts'
export { ATTEMPT, HttpRequest, LIVE, type RequestFields } from './request.ts'
export { HttpResponse, mismatch, type ResponseParts, type Settled } from './response.ts'
export {
  answerOf,
  isPromise,
  isSchema,
  issuePlace,
  type Schema,
  type SchemaIssue,
  type SchemaResult,
} from './schema.ts'
export { StreamingResponse, type Reader } from './streaming.ts'
export { run, Source, type Sink } from './source.ts'
export { Stage, staged } from './stage.ts'
export type { Params, ParamsOf, ParamValue } from './params.ts'
export { Token } from './token.ts'
export type { UploadIterator, UploadSource } from './upload.ts'
export { withQuery, type Query, type QueryValue } from './query.ts'
export { isBodiless, nameOfType, unreadable, VALUE_READER, type ValueReader } from './value.ts'
export { Unencoded } from './unencoded.ts'
export { VERSION } from './version.ts'
export { WEB_SOCKET, type WebSocketConnection, type WebSocketListener, type WebSocketWish } from './web-socket.ts'
