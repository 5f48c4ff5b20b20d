/**
 * Runs a client for long: many calls, many of them left in the middle, against a real server; then counts what is left.
 * Fails when a call did not settle, a socket or a handle stayed open, or memory grew from round to round.
 *
 *   npm run soak
 */
import { firstValueFrom } from 'rxjs'
import { createClient, recommended } from 'sluice'
import { undici } from 'sluice/engines/undici'
import { reply, serve, type ConnectionAccount } from 'sluice/testing'

const ROUNDS = Number(process.env['ROUNDS'] ?? 8)
const CALLS = Number(process.env['CALLS'] ?? 25_000)
const CONCURRENCY = 50

await using server = await serve(
  { 'GET /': reply.json({ ok: true }), 'GET /long': reply.bytes(1024 * 1024) },
  { keepBody: 0 },
)
const client = createClient({ engine: undici(), baseUrl: server.url, plugins: recommended() })
const heaps: number[] = []

for (let round = 1; round <= ROUNDS; round++) {
  let answered = 0
  let left = 0
  const worker = async (number: number): Promise<void> => {
    for (let call = number; call < CALLS; call += CONCURRENCY) {
      if (call % 10 === 0) {
        await leave(call % 100)
        left++
      } else {
        await firstValueFrom(client.get(''))
        answered++
      }
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, (_, number) => worker(number)))
  if (client.inFlight !== 0) throw new Error(`${client.inFlight} calls are still in flight after round ${round}`)
  forget(server)
  globalThis.gc?.()
  heaps.push(process.memoryUsage().heapUsed)
  console.log(
    `round ${round}: ${answered} answered, ${left} left, ${server.open} sockets open, heap ${mib(heaps.at(-1) ?? 0)}`,
  )
}

await client.close()
await server.until(({ open }) => open === 0)
const growth = ((heaps.at(-1) ?? 0) - (heaps[1] ?? 0)) / ((ROUNDS - 2) * CALLS)
console.log(`heap grew by ${growth.toFixed(2)} bytes a call after the second round`)
if (growth > 8) process.exitCode = 1

/** Leaves a call some turns of the event loop after it began. */
async function leave(turns: number): Promise<void> {
  const subscription = client.get('long').subscribe({ error: report })
  for (let turn = 0; turn < turns % 7; turn++) await new Promise(resolve => setImmediate(resolve))
  subscription.unsubscribe()
}

function report(error: unknown): void {
  console.error(error)
  process.exitCode = 1
}

/** The account of the server grows with every request; it is no memory of the client. */
function forget({ requests, connections }: typeof server): void {
  ;(requests as unknown[]).length = 0
  ;(connections as ConnectionAccount[]).splice(0, connections.length, ...connections.filter(({ open }) => open))
}

function mib(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`
}
