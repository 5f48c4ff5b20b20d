/** Which of our engines can do what only some can. Written by `npm run capabilities` from what the engines declare. */
import type { Need } from './engine.ts'

/** Engines by what they can do on Node, or in a browser where they run only there; named in `UNSUPPORTED` errors. */
export const ABLE: Readonly<Record<Need, readonly string[]>> = {
  streamingUpload: ['undici', 'http2', 'http', 'fetch'],
  uploadProgress: ['undici', 'http2', 'http', 'fetch', 'xhr'],
  duplex: ['undici', 'http2', 'http', 'fetch'],
  backPressure: ['undici', 'http2', 'http', 'fetch'],
  informational: ['undici', 'http2', 'http'],
  trailers: ['undici', 'http2', 'http'],
  webSocket: ['undici', 'http2', 'http', 'fetch'],
  decodes: ['fetch', 'xhr'],
  proxies: ['undici', 'http2', 'http'],
}
