import { setTimeout as delay } from 'node:timers/promises'
import { afterAll } from 'vitest'

// Vitest itself fails a run on unhandled rejections and uncaught exceptions.
// This adds what it does not look for: listeners that pile up, and sockets and servers a test file leaves behind.

process.on('warning', warning => {
  if (warning.name === 'MaxListenersExceededWarning') throw new Error(warning.message)
})

const counted = new Set(['TCPSocketWrap', 'TCPServerWrap', 'TCPConnectWrap', 'PipeConnectWrap', 'TLSWrap'])
const open = (): string[] => process.getActiveResourcesInfo().filter(name => counted.has(name))
const before = open().length

afterAll(async () => {
  // A socket that is being closed needs some turns of the loop; what is still there after 300 ms is a leak.
  for (let waited = 0; waited < 300 && open().length > before; waited += 10) await delay(10)
  const left = open()
  if (left.length > before) throw new Error(`this test file leaves open: ${left.join(', ')}`)
})
