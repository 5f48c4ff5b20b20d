import { createClient, type Client } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { expect, it, vi } from 'vitest'
import { ended } from '../../../streams/again/ended.ts'

const open = (): Client =>
  createClient({ engine: mock({ '/slow': { delay: 20 } }), baseUrl: 'https://api.test/', plugins: [] })
const watch = (client: Client): { seen: string[]; leave: () => void } => {
  const seen: string[] = []
  const subscription = ended(client).subscribe({ next: () => seen.push('now'), complete: () => seen.push('end') })
  return { seen, leave: () => subscription.unsubscribe() }
}

it('is told to all who wait, once what runs has come to its end', async () => {
  const client = open()
  const [one, other] = [watch(client), watch(client)]
  client.get('slow').subscribe()
  const closed = client.close()
  await Promise.resolve()
  expect([one.seen, other.seen]).toEqual([[], []])
  await closed
  await Promise.resolve()
  expect([one.seen, other.seen]).toEqual([
    ['now', 'end'],
    ['now', 'end'],
  ])
})

it('is told to who comes later, too, and not to who has left', async () => {
  const client = open()
  const { seen, leave } = watch(client)
  leave()
  client.cancel()
  await client.join()
  await Promise.resolve()
  expect([seen, watch(client).seen]).toEqual([[], ['now', 'end']])
})

it('is that of a parent, too', async () => {
  const client = open()
  const { seen } = watch(client.extend({}))
  client.cancel()
  await expect.poll(() => seen).toEqual(['now', 'end'])
})

it('asks a client once, however many wait: a promise cannot be left', () => {
  const client = open()
  const join = vi.spyOn(client, 'join')
  for (let n = 0; n < 100; n++) watch(client).leave()
  expect(join).toHaveBeenCalledTimes(1)
})
