/** nghttpx as a proxy that would rather speak HTTP/2. */
import { join } from 'node:path'
import { launch, type RealServer } from '../servers/launch.ts'

/** Starts nghttpx: TLS, where ALPN chooses h2 if the client offers it; it sends everything on to the proxy on port `behind`. */
export function nghttpx(behind: number): Promise<RealServer> {
  return launch({
    program: 'nghttpx',
    ports: 1,
    prepare: (folder, [port = 0]) => [
      '--http2-proxy',
      '--conf=/dev/null',
      '--workers=1',
      '--single-process',
      `--frontend=127.0.0.1,${port}`,
      `--backend=127.0.0.1,${behind}`,
      `--errorlog-file=${join(folder, 'error.log')}`,
      `--accesslog-file=${join(folder, 'access.log')}`,
      '--accesslog-format=$status $alpn $request',
      join(folder, 'good.key'),
      join(folder, 'good.crt'),
    ],
  })
}
