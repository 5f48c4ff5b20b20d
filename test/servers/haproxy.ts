/** HAProxy in front of a server, with short patience and a back end without any server. */
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Doors } from './contenders.ts'
import { launch, type RealServer } from './launch.ts'

/** HAProxy, and its doors. */
export interface Haproxy extends RealServer {
  readonly doors: Doors
  /** Takes the server behind out of service, or back in. */
  serving(wanted: boolean): Promise<void>
}

/**
 * Starts HAProxy: `/nobody` has no server behind it, that of `/refusing` does not listen, everything else goes to the server on port `app`, which has 300 ms to answer.
 */
export async function haproxy(app: number): Promise<Haproxy> {
  const server = await launch({
    program: 'haproxy',
    ports: 3,
    prepare: (folder, [plain = 0, tls = 0, h2c = 0]) => {
      const pem = ['good.crt', 'good.key'].map(name => readFileSync(join(folder, name), 'utf8'))
      writeFileSync(join(folder, 'good.pem'), pem.join(''))
      writeFileSync(join(folder, 'haproxy.cfg'), configuration(folder, { plain, tls, h2c }, app))
      return ['-db', '-f', join(folder, 'haproxy.cfg')]
    },
  })
  const [plain = 0, tls = 0, h2c = 0] = server.ports
  const serving = (wanted: boolean): Promise<void> =>
    command(join(server.folder, 'admin.sock'), `${wanted ? 'enable' : 'disable'} server app/one`)
  return { ...server, doors: { plain, tls, h2c }, serving }
}

function configuration(folder: string, { plain, tls, h2c }: Doors, app: number): string {
  return `
global
  maxconn 400
  stats socket ${folder}/admin.sock level admin
defaults
  mode http
  timeout connect 300ms
  timeout client 500ms
  timeout server 300ms
  timeout http-keep-alive 250ms
  retries 0
frontend all
  bind 127.0.0.1:${plain}
  bind 127.0.0.1:${tls} ssl crt ${folder}/good.pem alpn h2,http/1.1
  bind 127.0.0.1:${h2c} proto h2
  use_backend nobody if { path /nobody }
  use_backend refusing if { path /refusing }
  default_backend app
backend app
  server one 127.0.0.1:${app}
backend nobody
backend refusing
  server none 127.0.0.1:1
`
}

/** Gives an order; HAProxy hangs up when it was carried out. */
function command(socket: string, order: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connect(socket)
      .on('error', reject)
      .on('close', () => {
        resolve()
      })
      .resume()
      .end(`${order}\n`)
  })
}
