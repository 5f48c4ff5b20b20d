import net from 'node:net'
import { expect, it } from 'vitest'
import { blackHole } from './black-hole.ts'
import { silentServer } from './silent-server.ts'

it('a black hole neither accepts nor refuses', async () => {
  await using hole = await blackHole()
  const socket = net.connect(hole.port, '127.0.0.1')
  const heard: string[] = []
  for (const event of ['connect', 'error', 'close']) socket.on(event, () => heard.push(event))
  // Nothing to wait for: this is about what does not happen.
  await new Promise(resolve => setTimeout(resolve, 100))
  expect(heard).toEqual([])
  expect(socket.connecting).toBe(true)
  socket.destroy()
})

it('a black hole is gone when it is closed', async () => {
  const hole = await blackHole()
  await hole.close()
  const refused = new Promise(resolve => {
    net.connect(hole.port, '127.0.0.1').on('error', resolve)
  })
  expect(await refused).toMatchObject({ code: 'ECONNREFUSED' })
})

it('a silent server accepts, listens and says nothing', async () => {
  await using server = await silentServer()
  const socket = net.connect(server.port, '127.0.0.1')
  socket.write('hello?')
  await server.until(({ connections }) => connections[0]?.bytesIn === 6)
  expect(socket.bytesRead).toBe(0)
  socket.destroy()
  expect(await server.closed()).toMatchObject({ closedBy: 'client-fin', bytesOut: 0 })
})
