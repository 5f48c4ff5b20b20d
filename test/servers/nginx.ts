/** nginx with everything on a small scale: ten requests a connection, eight streams, bodies of a kibibyte at most. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { basicLine, REALM } from './accounts.ts'
import type { Doors } from './contenders.ts'
import { launch, type RealServer } from './launch.ts'

/** How large the large file is. */
export const LARGE: number = 48 * 1024 * 1024

/** What the text file says, so often that it is worth compressing. */
export const TEXT: string = 'the same line again and again\n'.repeat(2000)

/** nginx, and its doors. */
export interface Nginx extends RealServer {
  readonly doors: Doors
  /** Lets it read its configuration again; resolves when the workers from before are gone, who finish what they have. */
  reload(): Promise<void>
}

/**
 * Starts nginx: `/small`, the files `/text.txt` and `/large.bin`, `/limited` which takes no body above 1 KiB,
 * `/gone` which closes the connection, `/basic/small` for who has a password, and `/app/` where everything goes to the server on port `app`.
 * `ports` are those to use once more.
 */
export async function nginx(app: number, ports: number | readonly number[] = 3): Promise<Nginx> {
  const server = await launch({
    program: 'nginx',
    ports,
    prepare: (folder, [plain = 0, tls = 0, h2c = 0]) => {
      mkdirSync(join(folder, 'files'))
      writeFileSync(join(folder, 'files', 'text.txt'), TEXT)
      writeFileSync(join(folder, 'files', 'large.bin'), '')
      truncateSync(join(folder, 'files', 'large.bin'), LARGE)
      mkdirSync(join(folder, 'files', 'basic'))
      writeFileSync(join(folder, 'files', 'basic', 'small'), 'for ada')
      writeFileSync(join(folder, 'passwords'), basicLine)
      writeFileSync(join(folder, 'nginx.conf'), configuration(folder, { plain, tls, h2c }, app))
      return ['-p', folder, '-e', join(folder, 'error.log'), '-c', join(folder, 'nginx.conf')]
    },
  })
  const [plain = 0, tls = 0, h2c = 0] = server.ports
  const workers = async (): Promise<readonly string[]> => {
    const main = (await server.read('nginx.pid')).trim()
    return (await readFile(`/proc/${main}/task/${main}/children`, 'utf8')).trim().split(' ')
  }
  return {
    ...server,
    doors: { plain, tls, h2c },
    async reload() {
      const before = await workers()
      server.signal('SIGHUP')
      while ((await workers()).some(worker => before.includes(worker))) await delay(10)
    },
  }
}

function configuration(folder: string, { plain, tls, h2c }: Doors, app: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
daemon off;
master_process on;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log warn;
events { worker_connections 512; }
http {
  log_format counted '$pid $request_method $uri $status $connection $connection_requests';
  access_log ${folder}/access.log counted;
  ${temporary.map(name => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  types { text/plain txt; application/octet-stream bin; }
  keepalive_requests 10;
  http2_max_concurrent_streams 8;
  client_max_body_size 0;
  gzip on;
  gzip_min_length 100;
  gzip_types text/plain;
  server {
    listen 127.0.0.1:${plain};
    listen 127.0.0.1:${tls} ssl http2;
    listen 127.0.0.1:${h2c} http2;
    ssl_certificate ${folder}/good.crt;
    ssl_certificate_key ${folder}/good.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    root ${folder}/files;
    location = /small { default_type text/plain; return 200 small; }
    location = /gone { return 444; }
    location /basic/ {
      auth_basic "${REALM}";
      auth_basic_user_file ${folder}/passwords;
    }
    location = /limited {
      client_max_body_size 1k;
      proxy_pass http://127.0.0.1:${app}/echo;
    }
    location /app/ {
      proxy_http_version 1.1;
      proxy_set_header connection "";
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_pass http://127.0.0.1:${app}/;
    }
  }
}
`
}
