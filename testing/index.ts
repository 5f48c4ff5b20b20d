/** What we test with is what we ship: a server whose answers and faults are data. */
export { serve, serveSequence, type SequenceServer, type ServeOptions, type TestServer } from './serve.ts'
export type { ConnectionAccount, RequestAccount, TlsAccount } from './serve/account.ts'
export type { Break, Drip, EarlyFault, Fault, FaultPlace } from './serve/fault.ts'
export { reply, type Piece, type ReadPace, type Reply, type ReplyBody, type ReplyHeaders } from './serve/reply.ts'
export type { ServedRequest } from './serve/request.ts'
export type { Route, Routes } from './serve/routes.ts'
export { engineContract, type ContractCase, type ContractOptions } from './engine-contract.ts'
