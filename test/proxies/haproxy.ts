/** haproxy as the TLS side of another proxy. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch, type RealServer } from '../servers/launch.ts'

/** Starts haproxy: TLS in front of the proxy on port `behind`, by ALPN for HTTP/1.1 only. */
export function haproxy(behind: number): Promise<RealServer> {
  return launch({
    program: 'haproxy',
    ports: 1,
    prepare: (folder, [port = 0]) => {
      const pem = ['good.crt', 'good.key'].map(name => readFileSync(join(folder, name), 'utf8'))
      writeFileSync(join(folder, 'good.pem'), pem.join(''))
      writeFileSync(join(folder, 'haproxy.cfg'), configuration(folder, port, behind))
      return ['-db', '-f', join(folder, 'haproxy.cfg')]
    },
  })
}

function configuration(folder: string, port: number, behind: number): string {
  return `
global
  maxconn 400
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder}/good.pem alpn http/1.1
  default_backend proxy
backend proxy
  server one 127.0.0.1:${behind}
`
}
