import { describe, expect, it } from 'vitest'
import { readHttp, readRecords, readSocks } from './transcript.ts'

const handshake = Buffer.from([22, 3, 1, 0, 2, 7, 7])
const data = Buffer.from([23, 3, 3, 0, 1, 7])

describe('what was overheard', () => {
  it('is heads, with what a refusal says, and then records', () => {
    const refusal = Buffer.from('HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\nnever')
    const opening = Buffer.from('HTTP/1.1 200 Yes\r\nContent-Length: 5\r\n\r\n')
    expect(readHttp(Buffer.concat([refusal, opening, handshake, data]))).toEqual({
      clear: ['HTTP/1.1 407 No\r\nContent-Length: 5', 'HTTP/1.1 200 Yes\r\nContent-Length: 5'],
      records: [22, 23],
    })
  })

  it('is messages of SOCKS5 and then records', () => {
    const bytes = Buffer.concat([Buffer.from([5, 1, 0]), handshake])
    expect(readSocks(bytes, [() => 3])).toEqual({ clear: ['050100'], records: [22] })
  })

  it.each([
    ['text between records', Buffer.concat([handshake, Buffer.from('GET /secret HTTP/1.1\r\n\r\n'), data])],
    ['text behind records', Buffer.concat([handshake, data, Buffer.from('secret')])],
    ['a record that is cut off', Buffer.concat([handshake, data.subarray(0, 5)])],
    ['a record that is too long', Buffer.from([23, 3, 3, 0xff, 0xff])],
  ])('is refused when there is %s', (_, bytes) => {
    expect(() => readRecords(bytes)).toThrow(/record/)
    expect(() => readHttp(Buffer.concat([Buffer.from('CONNECT a:1 HTTP/1.1\r\n\r\n'), bytes]))).toThrow(/record|TLS/)
  })
})
