/** tinyproxy behind a password. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { launch, type RealServer } from '../servers/launch.ts'
import { BOB } from './credentials.ts'

/** Starts tinyproxy, which takes Basic only. Its configuration has letters, digits, `-`, `.` and `_` for a password. */
export function tinyproxy(): Promise<RealServer> {
  return launch({
    program: 'tinyproxy',
    ports: 1,
    prepare: (folder, [port = 0]) => {
      writeFileSync(join(folder, 'tinyproxy.conf'), configuration(folder, port))
      return ['-d', '-c', join(folder, 'tinyproxy.conf')]
    },
  })
}

function configuration(folder: string, port: number): string {
  return `
Listen 127.0.0.1
Port ${port}
Timeout 60
MaxClients 100
LogFile "${folder}/tinyproxy.log"
LogLevel Connect
BasicAuth ${BOB.username} ${BOB.password}
`
}
