import net from 'node:net'
import { describe, expect, it } from 'vitest'
import { serve } from '../../testing/serve.ts'
import { watchLeaks } from './leaks.ts'

describe('watchLeaks', () => {
  it('settles when everything that was opened is closed', async () => {
    using leaks = watchLeaks()
    const server = await serve({})
    const socket = net.connect(server.port, '127.0.0.1')
    await new Promise(resolve => socket.once('connect', resolve))
    expect(leaks.clientSockets()).toEqual([`127.0.0.1:${server.port}`])
    socket.destroy()
    await server.close()
    await leaks.settled()
    expect(leaks.clientSockets()).toEqual([])
  })

  it('names a socket that is left, also one that does not keep the process alive', async () => {
    using leaks = watchLeaks()
    await using server = await serve({})
    const socket = net.connect(server.port, '127.0.0.1').unref()
    await server.until(({ open }) => open)
    await expect(leaks.settled(20)).rejects.toThrow(/^still open after 20 ms: 1 client sockets/)
    socket.destroy()
  })

  it('names a timer that is left', async () => {
    using leaks = watchLeaks()
    const timer = setTimeout(() => {}, 60_000)
    await expect(leaks.settled(1)).rejects.toThrow('still open after 1 ms: 1 timers')
    clearTimeout(timer)
    await leaks.settled()
  })

  it('does not count what was open before', async () => {
    const timer = setTimeout(() => {}, 60_000)
    using leaks = watchLeaks()
    await leaks.settled()
    clearTimeout(timer)
  })
})
