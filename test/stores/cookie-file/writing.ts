/** A process that keeps cookies in a file: `node writing.ts <path> <name> <cookies> <rounds>`; without rounds it never ends. A dot says that one is kept. */
import { cookieFile } from 'sluice/stores/cookie-file'

const [path = '', name = '', cookies = '1', rounds = 'Infinity'] = process.argv.slice(2)
const store = cookieFile(path, { session: true })
await store.load()
for (let round = 0; round < Number(rounds); round++) {
  for (let at = 0; at < Number(cookies); at++) {
    const cookie = {
      name: `${name}${at}`,
      value: `${round}${'x'.repeat(700)}`,
      domain: 'a.test',
      hostOnly: true,
      path: '/',
      secure: false,
      httpOnly: false,
      createdAt: at,
    }
    await store.save([{ cookie, removed: false }])
    process.stdout.write('.')
  }
}
