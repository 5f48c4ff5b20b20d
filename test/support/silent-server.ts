/** A server that accepts and never says a word: what a stalled TLS handshake or proxy is made of. */
import { serve, type TestServer } from '../../testing/serve.ts'

/** Opens a port that accepts connections, reads what comes and answers nothing. Its account shows connections and bytes. */
export const silentServer = (): Promise<TestServer> =>
  serve({}, { onConnection: () => ({ kind: 'stall', at: 'accept' }) })
