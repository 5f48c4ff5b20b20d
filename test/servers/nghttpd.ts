/** nghttpd of nghttp2, which speaks nothing but HTTP/2. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Doors } from './contenders.ts'
import { launch, type RealServer } from './launch.ts'

/** How large the large file is. */
export const LARGE: number = 16 * 1024 * 1024

/** nghttpd, and its doors; whoever comes by the plain one finds HTTP/2 too. */
export interface Nghttpd extends AsyncDisposable {
  readonly doors: Doors
  close(): Promise<void>
}

/** Starts it, with TLS and without: the files `/small` and `/large.bin`, eight streams at a time; POST is echoed. Every answer has a trailer `checked: yes`. */
export async function nghttpd(): Promise<Nghttpd> {
  const secure = await start(folder => [join(folder, 'good.key'), join(folder, 'good.crt')])
  const open = await start(() => ['--no-tls'])
  const close = async (): Promise<void> => {
    await secure.close()
    await open.close()
  }
  const [tls = 0] = secure.ports
  const [h2c = 0] = open.ports
  return { doors: { plain: h2c, tls, h2c }, close, [Symbol.asyncDispose]: close }
}

function start(security: (folder: string) => readonly string[]): Promise<RealServer> {
  return launch({
    program: 'nghttpd',
    ports: 1,
    prepare: (folder, [port]) => {
      mkdirSync(join(folder, 'files'))
      writeFileSync(join(folder, 'files', 'small'), 'small')
      writeFileSync(join(folder, 'files', 'large.bin'), '')
      truncateSync(join(folder, 'files', 'large.bin'), LARGE)
      return [
        '--address=127.0.0.1',
        `--htdocs=${join(folder, 'files')}`,
        '--max-concurrent-streams=8',
        '--echo-upload',
        '--trailer=checked: yes',
        String(port),
        ...security(folder),
      ]
    },
  })
}
