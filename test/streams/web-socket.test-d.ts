import { createClient, type Client, type Schema } from 'sluice'
import { mock } from 'sluice/engines/mock'
import { timeout } from 'sluice/plugins/timeout'
import { webSocket, type WebSocketDuplex, type WebSocketOptions } from 'sluice/streams/web-socket'
import { expectTypeOf, test } from 'vitest'

interface Tick {
  readonly price: number
}
interface Order {
  readonly buy: number
}

const client = createClient({ engine: mock(), plugins: [timeout()] })
declare const Ticks: Schema<Tick>

test('messages are what they are said to be', () => {
  expectTypeOf(webSocket<Tick>(client, 'x')).toEqualTypeOf<WebSocketDuplex<Tick>>()
  expectTypeOf(webSocket<Tick, Order>(client, 'x')).toEqualTypeOf<WebSocketDuplex<Tick, Order>>()
  expectTypeOf(webSocket(client, 'x')).toEqualTypeOf<WebSocketDuplex<unknown>>()
  // @ts-expect-error -- a Tick is no Order
  webSocket<Tick, Order>(client, 'x').next({ price: 1 })
})

test('messages are what codec, schema and projector make of them', () => {
  expectTypeOf(webSocket(client, 'x', { codec: 'text' })).toEqualTypeOf<WebSocketDuplex<string>>()
  expectTypeOf(webSocket(client, 'x', { codec: 'binary' })).toEqualTypeOf<
    WebSocketDuplex<Uint8Array, Uint8Array | ArrayBuffer>
  >()
  expectTypeOf(webSocket(client, 'x', { schema: Ticks })).toExtend<WebSocketDuplex<Tick, never>>()
  const projected = webSocket(client, 'x', { schema: Ticks, project: ({ price }) => [String(price)] })
  projected.subscribe(text => expectTypeOf(text).toEqualTypeOf<string>())
})

test('options of plugins are those of the client', () => {
  void webSocket(client, 'x', { timeout: { headers: 7 } })
  void webSocket<Tick>(client, 'x', { timeout: { headers: 7 } })
  const options: WebSocketOptions<Tick, Tick> = { reconnect: true }
  void webSocket<Tick>(client, 'x', options)
  // @ts-expect-error -- this client has no such plugin
  void webSocket(client, 'x', { retry: { times: 3 } })
  // @ts-expect-error -- a time is a number
  void webSocket(client, 'x', { timeout: { headers: 'soon' } })
})

test('params of the url must be given', () => {
  void webSocket(client, 'rooms/{room}', { params: { room: 7 } })
  // @ts-expect-error -- which room?
  void webSocket(client, 'rooms/{room}', {})
  // @ts-expect-error -- and here?
  void webSocket(client, 'rooms/{room}')
})

test('any client will do', () => {
  const plain: Client = client
  void webSocket<Tick>(plain, 'x')
})

test('a part of it may be narrower', () => {
  const socket = webSocket<Tick | Order>(client, 'x')
  const orders = socket.multiplex<Order>(
    () => ({ buy: 1 }),
    () => ({ buy: 0 }),
    message => 'buy' in message,
  )
  orders.subscribe(order => expectTypeOf(order).toEqualTypeOf<Order>())
})
