/** Apache httpd with ten requests a connection, which it closes when nothing comes for 50 ms, and bodies of a kibibyte at most. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ADA, basicLine, digestLine, REALM } from './accounts.ts'
import type { Doors } from './contenders.ts'
import { launch, type RealServer } from './launch.ts'

/** How large the large file is. */
export const LARGE: number = 16 * 1024 * 1024

/** What the text file says. */
export const TEXT: string = 'the same line again and again\n'.repeat(2000)

/** Apache, and its doors. */
export interface Apache extends RealServer {
  readonly doors: Doors
}

const MODULES = '/usr/lib/apache2/modules'

/**
 * Starts Apache: the files `/small`, `/text.txt` (deflated for those who ask) and `/large.bin`, the file `/limited`, for which no
 * body above 1 KiB is taken, and `/app/` where everything goes to the server on port `app`. Below `/basic/` and `/digest/` is the
 * same for who has a password; below `/strict/` each count of a nonce has to come after the one before, and below `/short/` a nonce is good for a second.
 */
export async function apache(app: number): Promise<Apache> {
  const server = await launch({
    program: 'apache2',
    ports: 3,
    prepare: (folder, [plain = 0, tls = 0, h2c = 0]) => {
      mkdirSync(join(folder, 'files'))
      for (const name of ['small', 'limited']) writeFileSync(join(folder, 'files', name), 'small')
      writeFileSync(join(folder, 'files', 'text.txt'), TEXT)
      writeFileSync(join(folder, 'files', 'large.bin'), '')
      truncateSync(join(folder, 'files', 'large.bin'), LARGE)
      for (const place of ['basic', 'digest', 'strict', 'short']) {
        mkdirSync(join(folder, 'files', place))
        writeFileSync(join(folder, 'files', place, 'small'), `for ${ADA.username}`)
      }
      writeFileSync(join(folder, 'passwords'), basicLine)
      writeFileSync(join(folder, 'digests'), digestLine)
      writeFileSync(join(folder, 'apache.conf'), configuration(folder, { plain, tls, h2c }, app))
      return ['-d', folder, '-f', join(folder, 'apache.conf'), '-DFOREGROUND']
    },
  })
  const [plain = 0, tls = 0, h2c = 0] = server.ports
  return { ...server, doors: { plain, tls, h2c } }
}

function configuration(folder: string, { plain, tls, h2c }: Doors, app: number): string {
  const modules = ['mpm_event', 'authz_core', 'mime', 'filter', 'deflate', 'ssl', 'http2', 'proxy', 'proxy_http']
  modules.push('authn_core', 'authn_file', 'authz_user', 'auth_basic', 'auth_digest')
  return `
${modules.map(name => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
ServerName localhost
ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
LogFormat "%m %U %s %{remote}p %k" counted
CustomLog ${folder}/access.log counted
TypesConfig /dev/null
AddType text/plain .txt
Listen 127.0.0.1:${plain}
Listen 127.0.0.1:${tls}
Listen 127.0.0.1:${h2c}
StartServers 1
ServerLimit 1
ThreadsPerChild 25
MaxRequestWorkers 25
KeepAlive On
MaxKeepAliveRequests 10
KeepAliveTimeout 50ms
Protocols h2 h2c http/1.1
DocumentRoot ${folder}/files
AddOutputFilterByType DEFLATE text/plain
<Location /limited>
  LimitRequestBody 1024
</Location>
<Location /basic/>
  AuthType Basic
  AuthName "${REALM}"
  AuthUserFile ${folder}/passwords
  Require valid-user
</Location>
${['digest', 'strict', 'short'].map(place => digest(folder, place)).join('')}
ProxyPass /app/ http://127.0.0.1:${app}/
<VirtualHost 127.0.0.1:${tls}>
  SSLEngine on
  SSLCertificateFile ${folder}/good.crt
  SSLCertificateKeyFile ${folder}/good.key
</VirtualHost>
`
}

function digest(folder: string, place: string): string {
  return `
<Location /${place}/>
  AuthType Digest
  AuthName "${REALM}"
  AuthDigestProvider file
  AuthUserFile ${folder}/digests
  AuthDigestDomain /${place}/
  AuthDigestNonceLifetime ${place === 'short' ? 1 : 300}
  AuthDigestNcCheck ${place === 'strict' ? 'On' : 'Off'}
  Require valid-user
</Location>`
}
