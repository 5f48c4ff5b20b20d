/** dante, a SOCKS5 proxy, with a password and without. */
import { readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { launch, type RealServer } from '../servers/launch.ts'
import { ADA, crypted } from './credentials.ts'

/** Starts dante. It looks up the names it is given itself, and tells of every connection in `danted.log`. */
export function dante(method: 'none' | 'username'): Promise<RealServer> {
  return launch({
    program: 'danted',
    ports: 1,
    prepare: (folder, [port = 0]) => {
      writeFileSync(join(folder, 'danted.conf'), configuration(folder, port, method))
      writeFileSync(join(folder, 'group'), readFileSync('/etc/group'))
      const users = readFileSync('/etc/passwd', 'utf8')
      writeFileSync(join(folder, 'passwd'), `${users}${ADA.username}:x:4711:4711::/nonexistent:/bin/false\n`)
      writeFileSync(join(folder, 'shadow'), `${ADA.username}:${crypted(ADA.password)}:19000:0:99999:7:::\n`)
      return ['-f', join(folder, 'danted.conf'), '-p', join(folder, 'danted.pid')]
    },
    // It knows no passwords but those of the system. This lets it take our files for those.
    environment: folder => ({
      LD_PRELOAD: 'libnss_wrapper.so',
      NSS_WRAPPER_PASSWD: join(folder, 'passwd'),
      NSS_WRAPPER_GROUP: join(folder, 'group'),
      NSS_WRAPPER_SHADOW: join(folder, 'shadow'),
    }),
  })
}

function configuration(folder: string, port: number, method: 'none' | 'username'): string {
  const user = process.getuid?.() === 0 ? 'nobody' : userInfo().username
  return `
logoutput: ${folder}/danted.log
internal: 127.0.0.1 port = ${port}
external: 127.0.0.1
socksmethod: ${method}
clientmethod: none
user.privileged: ${user}
user.unprivileged: ${user}
user.libwrap: ${user}
client pass {
  from: 127.0.0.1/32 to: 127.0.0.1/32
}
socks pass {
  from: 127.0.0.1/32 to: 0.0.0.0/0
  command: connect
  log: connect error
}
`
}
