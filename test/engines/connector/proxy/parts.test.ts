import { describe, expect, it } from 'vitest'
import { Dechunking } from '../../../../engines/connector/proxy/dechunking.ts'
import { HeadReader } from '../../../../engines/connector/proxy/head.ts'
import { targetOf } from '../../../../engines/connector/target.ts'
import type { ProxyHop, Route } from 'sluice'

describe('the head of a proxy', () => {
  it('is the same, however it comes in pieces', () => {
    const text = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 Yes: go\r\nA: b \r\nSet-Cookie:\tc\r\n\r\nrest'
    for (let size = 1; size <= text.length; size++) {
      const reader = new HeadReader()
      let bytes = Buffer.alloc(0)
      let read: ReturnType<HeadReader['take']>
      for (let at = 0; at < text.length; at += size) {
        const piece = Buffer.from(text.slice(at, at + size))
        if (read === undefined) read = reader.take(piece)
        else bytes = Buffer.concat([bytes, piece])
      }
      if (read === undefined || 'fault' in read) throw new Error('there is a head')
      expect(read.head).toEqual({
        httpVersion: '1.0',
        status: 200,
        statusText: 'Yes: go',
        fields: ['A', 'b', 'Set-Cookie', 'c'],
      })
      expect(Buffer.concat([read.rest, bytes]).toString()).toBe('rest')
    }
  })

  it.each([
    'HTTP/2 200 OK\r\n\r\n',
    'HTTP/1.1 20 OK\r\n\r\n',
    'HTTP/1.1 099 OK\r\n\r\n',
    'HTTP/1.1  200 OK\r\n\r\n',
    'HTTP/1.1 200 OK\r\n folded: x\r\n\r\n',
    'HTTP/1.1 200 OK\r\na : b\r\n\r\n',
    'HTTP/1.1 200 OK\r\na: b\nc: d\r\n\r\n',
    'HTTP/1.1 200 OK\r\na: b\rc: d\r\n\r\n',
    'HTTP/1.1 200 OK\r\na: \0\r\n\r\n',
    '\r\nHTTP/1.1 200 OK\r\n\r\n',
  ])('is not %j', text => {
    expect(new HeadReader().take(Buffer.from(text))).toEqual({ fault: 'answered with something that is not HTTP/1.1' })
  })
})

describe('a page in chunks', () => {
  it('is the same, however it comes in pieces', () => {
    const text = '3\r\nabc\r\nA;x="y"\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n'
    for (let size = 1; size <= text.length; size++) {
      const chunks = new Dechunking()
      let page = ''
      for (let at = 0; at < text.length; at += size)
        page += chunks.take(Buffer.from(text.slice(at, at + size))).toString()
      expect([page, chunks.over]).toEqual(['abc0123456789', true])
    }
  })

  it.each([
    ['a size that is none', 'zz\r\nabc'],
    ['a size beyond all measure', 'fffffffff\r\nabc'],
    ['a line without end', '1'.repeat(5000)],
  ])('ends with %s', (_, text) => {
    const chunks = new Dechunking()
    expect([chunks.take(Buffer.from(text)).length, chunks.over]).toEqual([0, true])
  })
})

describe('the way of a target', () => {
  const hop = (protocol: ProxyHop['protocol']): ProxyHop => ({ protocol, host: 'p.test', port: 1 })
  const way = (tunnel: boolean, ...hops: ProxyHop[]): Route => ({ hops, tunnel })

  it.each<[string, string, Route, boolean]>([
    ['http:// over one HTTP proxy', 'http://a.test', way(false, hop('http')), true],
    ['http:// over one HTTPS proxy', 'http://a.test', way(false, hop('https')), true],
    ['https://', 'https://a.test', way(false, hop('http')), false],
    ['http:// where a tunnel is wanted', 'http://a.test', way(true, hop('http')), false],
    ['http:// over SOCKS5', 'http://a.test', way(false, hop('socks5')), false],
    ['http:// over two proxies', 'http://a.test', way(false, hop('http'), hop('http')), false],
  ])('leads to the proxy in place of the server: %s', (_, origin, route, forwarded) => {
    const target = targetOf(origin, route)
    expect(target.route).toBe(route)
    expect(target.forwarder).toBe(forwarded ? route.hops[0] : undefined)
  })

  it('is direct without a route', () => {
    expect(targetOf('http://a.test')).toMatchObject({ port: 80, route: undefined, forwarder: undefined })
  })
})
