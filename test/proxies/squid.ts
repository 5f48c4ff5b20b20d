/** squid: open, with the rules it comes with, and behind a password by Basic or Digest. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch, type RealServer } from '../servers/launch.ts'
import { ADA, crypted, digestHash } from './credentials.ts'

/** Whom it lets through: everybody; whom the rules of the Debian package let through; who has a password. */
export type Rules = 'open' | 'default' | 'basic' | 'digest'

/** Starts squid. It tells every request in `access.log`: status, method, url, user, port from which it connected to the server. */
export function squid(rules: Rules): Promise<RealServer> {
  return launch({
    program: 'squid',
    ports: 1,
    prepare: (folder, [port = 0]) => {
      writeFileSync(join(folder, 'passwords'), `${ADA.username}:${crypted(ADA.password)}\n`)
      writeFileSync(join(folder, 'digests'), `${ADA.username}:${REALM}:${digestHash(ADA, REALM)}\n`)
      writeFileSync(join(folder, 'squid.conf'), configuration(folder, port, rules))
      // Each has a service name of its own, so that several can run at a time.
      return ['-N', '-n', `sluice${port}`, '-f', join(folder, 'squid.conf')]
    },
  })
}

const REALM = 'squid of the tests'

/** The rules are those of /etc/squid/squid.conf, but for the ports of CONNECT and who is let through. */
function configuration(folder: string, port: number, rules: Rules): string {
  return `
http_port 127.0.0.1:${port}
visible_hostname squid.test
pid_filename ${folder}/squid.pid
logformat told %>Hs %rm %ru %un %<lp
access_log stdio:${folder}/access.log told
cache_log ${folder}/cache.log
coredump_dir ${folder}
cache deny all
cache_mem 8 MB
memory_pools off
pinger_enable off
netdb_filename none
shutdown_lifetime 0 seconds
dns_nameservers 127.0.0.1
${AUTHENTICATION(folder)[rules]}
acl SSL_ports port 443
acl Safe_ports port 80
acl Safe_ports port 443
acl Safe_ports port 1025-65535
http_access deny !Safe_ports
${rules === 'default' ? 'http_access deny CONNECT !SSL_ports' : ''}
http_access ${rules === 'basic' || rules === 'digest' ? 'allow known' : 'allow localhost'}
http_access deny all
`
}

const AUTHENTICATION = (folder: string): Readonly<Record<Rules, string>> => ({
  open: '',
  default: '',
  basic: `
auth_param basic program /usr/lib/squid/basic_ncsa_auth ${folder}/passwords
auth_param basic children 1
auth_param basic realm ${REALM}
acl known proxy_auth REQUIRED`,
  digest: `
auth_param digest program /usr/lib/squid/digest_file_auth -c ${folder}/digests
auth_param digest children 1
auth_param digest realm ${REALM}
acl known proxy_auth REQUIRED`,
})
