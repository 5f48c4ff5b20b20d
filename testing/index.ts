/** What we test with is what we ship: a server whose answers and faults are data. */
export {
  reply,
  serve,
  serveSequence,
  type Break,
  type ConnectionAccount,
  type Drip,
  type EarlyFault,
  type Fault,
  type FaultPlace,
  type Http2Options,
  type Piece,
  type Protocol,
  type ReadPace,
  type Reply,
  type ReplyBody,
  type ReplyHeaders,
  type RequestAccount,
  type Route,
  type Routes,
  type SequenceServer,
  type ServedRequest,
  type ServeOptions,
  type TestServer,
  type TlsAccount,
} from './serve.ts'
export { engineContract, type ContractCase, type ContractOptions } from './engine-contract.ts'
export { marbles, type ErrorMark, type EventOptions, type Marbles } from './marbles.ts'
export { scripted } from './marbles/scripted.ts'
