import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Hosts, isLoopback, targetOf } from '../../../plugins/proxy/hosts.ts'

/** A list, an origin, whether the origin is on the list, and why. */
type Case = readonly [list: string, origin: string, listed: boolean, why: string]

const CASES: readonly Case[] = [
  ['', 'http://example.com', false, 'an empty list has nobody on it'],
  [' , ,', 'http://example.com', false, 'nothing between separators is nobody'],
  ['*', 'https://example.com', true, 'a star is everybody'],
  ['*', 'http://10.1.2.3:8080', true, 'a star is every address on every port'],
  ['example.org,*', 'http://example.com', true, 'a star counts among others too'],
  ['example.com', 'http://example.com', true, 'a host is itself'],
  ['example.com', 'https://example.com:8443', true, 'a host without a port is meant on all of them'],
  ['example.com', 'http://www.example.com', true, 'a host stands for all below it'],
  ['example.com', 'http://a.b.example.com', true, 'however deep'],
  ['example.com', 'http://badexample.com', false, 'a name that only ends alike is somebody else (A27)'],
  ['example.com', 'http://example.com.evil.test', false, 'a name that only begins alike is somebody else'],
  ['www.example.com', 'http://example.com', false, 'what is below does not stand for what is above'],
  ['.example.com', 'http://www.example.com', true, 'a leading dot means all below'],
  ['.example.com', 'http://example.com', false, 'a leading dot means those below alone, as in Go'],
  ['*.example.com', 'http://www.example.com', true, 'a star and a dot are a leading dot'],
  ['*.example.com', 'http://example.com', false, 'a star and a dot do not mean the host itself'],
  ['EXAMPLE.com', 'http://www.example.COM', true, 'names have no case (RFC 4343)'],
  ['example.com.', 'http://example.com', true, 'the dot of the root on the list changes nothing'],
  ['example.com', 'http://example.com.', true, 'the dot of the root in the url changes nothing'],
  ['.example.com.', 'http://www.example.com.', true, 'nor does it on both sides'],
  ['a.test,example.com', 'http://example.com', true, 'commas separate'],
  ['a.test example.com', 'http://example.com', true, 'spaces separate'],
  ['a.test ,\texample.com\n', 'http://example.com', true, 'commas and any white space separate'],
  ['example.com:8080', 'http://example.com:8080', true, 'a port that is the same'],
  ['example.com:8080', 'http://example.com:8081', false, 'a port that is another'],
  ['example.com:80', 'http://example.com', true, 'the port nobody writes with http is 80'],
  ['example.com:443', 'https://example.com', true, 'the port nobody writes with https is 443'],
  ['example.com:443', 'http://example.com', false, 'and 443 is not the port of http'],
  ['.example.com:8080', 'http://www.example.com:8080', true, 'a port goes with a leading dot as well'],
  ['example.com:http', 'http://example.com', false, 'a port is a number'],
  ['10.1.2.3', 'http://10.1.2.3', true, 'an address is itself'],
  ['10.1.2.3', 'http://10.1.2.3:8080', true, 'an address without a port is meant on all of them'],
  ['10.1.2.3:80', 'http://10.1.2.3:8080', false, 'an address with a port on that alone'],
  ['10.1.2.3', 'http://110.1.2.3', false, 'addresses are no texts that end alike'],
  ['.2.3', 'http://10.1.2.3', false, 'nothing is below an address (axios CVE-2025-62718)'],
  ['2.3', 'http://10.1.2.3', false, 'a short address is another one: 2.0.0.3'],
  ['10.1.2.3', 'http://0x0a.0x01.0x02.0x03', true, 'an address in hexadecimals is the same (WHATWG URL)'],
  ['10.1.2.3', 'http://167838211', true, 'an address as one number is the same'],
  ['0xa010203', 'http://10.1.2.3', true, 'on the list too'],
  ['10.0.0.0/8', 'http://10.200.3.4', true, 'a network has its addresses'],
  ['10.0.0.0/8', 'http://11.0.0.1', false, 'and not those beside it'],
  ['192.168.128.0/17', 'http://192.168.127.255', false, 'a border within a byte: before it'],
  ['192.168.128.0/17', 'http://192.168.128.0', true, 'a border within a byte: behind it'],
  ['10.9.9.9/8', 'http://10.1.1.1', true, 'the bits behind the length do not count'],
  ['10.1.2.3/32', 'http://10.1.2.4', false, 'a network of one'],
  ['0.0.0.0/0', 'http://8.8.8.8', true, 'a network of all'],
  ['0.0.0.0/0', 'http://example.com', false, 'a name is in no network: it is not looked up'],
  ['0.0.0.0/0', 'http://[2001:db8::1]', false, 'all of IPv4 is none of IPv6'],
  ['169.254/16', 'http://169.254.10.10', true, 'macOS leaves zeros out of networks'],
  ['010.0.0.0/8', 'http://8.1.1.1', false, 'a zero in front could be octal: it means nobody'],
  ['10.0.0.0/33', 'http://10.0.0.0', false, 'an address has 32 bits: it means nobody'],
  ['example.com/8', 'http://example.com', false, 'a name has no bits: it means nobody'],
  ['2001:db8::1', 'http://[2001:db8::1]', true, 'IPv6 without brackets'],
  ['[2001:db8::1]', 'https://[2001:db8::1]:8443', true, 'IPv6 with brackets, on all ports'],
  ['[2001:db8::1]:8443', 'https://[2001:db8::1]:8443', true, 'IPv6 with a port'],
  ['[2001:db8::1]:8443', 'https://[2001:db8::1]', false, 'IPv6 with another port'],
  ['2001:DB8:0:0:0:0:0:1', 'http://[2001:db8::1]', true, 'IPv6 written long'],
  ['2001:db8::/32', 'http://[2001:db8:ffff::1]', true, 'a network of IPv6'],
  ['[2001:db8::]/33', 'http://[2001:db8:8000::1]', false, 'a network of IPv6 in brackets, a border within a byte'],
  ['::ffff:10.1.2.3', 'http://10.1.2.3', true, 'IPv4 in IPv6 is IPv4 (A27)'],
  ['10.1.2.3', 'http://[::ffff:10.1.2.3]', true, 'in the url too'],
  ['10.0.0.0/8', 'http://[::ffff:a01:203]', true, 'and in a network, however it is written'],
  ['::ffff:10.0.0.0/104', 'http://10.1.2.3', true, 'a network of IPv4 in IPv6 is one of IPv4'],
  ['::ffff:0:0/90', 'http://10.1.2.3', false, 'a network that is larger than IPv4 is none of it'],
  ['fe80::1%eth0', 'http://[fe80::1]', true, 'a zone is a cable of this machine, not a part of the address'],
  ['[::1%25.example.com]', 'http://www.example.com', false, 'a zone is no name either (Go CVE-2025-22870)'],
  ['bücher.example', 'http://xn--bcher-kva.example', true, 'names are compared as they are sent'],
  ['https://example.com', 'https://example.com', true, 'with a scheme it is an origin'],
  ['https://example.com/', 'http://example.com', false, 'and another scheme is another origin'],
  ['exam*.com', 'http://example.com', false, 'a star within a name is no pattern here: it means nobody'],
  ['<local>', 'http://intranet', false, 'what Windows calls local is not on the list'],
  ['10.0.0.1-10.0.0.9', 'http://10.0.0.5', false, 'ranges are Node’s alone; networks say the same'],
  ['localhost', 'http://127.0.0.1', false, 'a name is not its address: nobody is asked'],
]

describe('a list of hosts', () => {
  it.each(CASES)('%j and %s: %s, for %s', (list, origin, listed) => {
    expect(new Hosts(list).has(targetOf(new URL(origin).origin))).toBe(listed)
  })

  it('has forty cases at least, and each a reason of its own', () => {
    expect(CASES.length).toBeGreaterThanOrEqual(40)
    expect(new Set(CASES.map(([, , , why]) => why)).size).toBe(CASES.length)
  })

  it('tells what it did not understand', () => {
    const list = 'a.test, exam*.com <local> 10.0.0.0/33 b:http *.10.0.0.1 a@b 1.2.3.4.5 [::1 ::1::2/8 x/y %'
    expect(new Hosts(list).unknown).toEqual([
      'exam*.com',
      '<local>',
      '10.0.0.0/33',
      'b:http',
      '*.10.0.0.1',
      'a@b',
      '1.2.3.4.5',
      '[::1',
      '::1::2/8',
      'x/y',
      '%',
    ])
  })

  it('takes any text, for an environment belongs to others', () => {
    const piece = fc.constantFrom(
      '*',
      '.',
      ':',
      '/',
      '[',
      ']',
      '::',
      '%',
      '8',
      '10.0.0.0',
      'a.test',
      ' ',
      ',',
      'https://',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece).map(pieces => pieces.join('')),
    )
    fc.assert(
      fc.property(text, list => {
        const hosts = new Hosts(list)
        for (const [, origin] of CASES) expect(hosts.has(targetOf(new URL(origin).origin))).toBeTypeOf('boolean')
      }),
      { numRuns: 300 },
    )
  })
})

describe('this machine', () => {
  it.each([
    ['http://localhost', true],
    ['http://LOCALHOST.:8080', true],
    ['http://api.localhost', true],
    ['http://127.0.0.1', true],
    ['http://127.9.9.9', true],
    ['http://2130706433', true],
    ['http://[::1]:8080', true],
    ['http://[::ffff:127.0.0.1]', true],
    ['http://localhost.example.com', false],
    ['http://notlocalhost', false],
    ['http://128.0.0.1', false],
    ['http://0.0.0.0', false],
    ['http://[::2]', false],
    ['http://[2001:db8::1]', false],
  ])('%s: %s', (origin, here) => {
    expect(isLoopback(targetOf(new URL(origin).origin))).toBe(here)
  })
})
