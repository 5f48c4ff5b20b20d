/** What the `fetch` of this platform can do, found out without a network. */

/** What differs between platforms. */
export interface Abilities {
  /** Sends a body as it is produced: always, where the server speaks HTTP/2, or never. */
  readonly streams: 'always' | 'h2' | 'never'
  /** Keeps the rules of browsers: refuses header fields, hides redirects and cookies. */
  readonly strict: boolean
  /** Says why there was no answer. */
  readonly explains: boolean
  /** Holds a server back soon after nobody reads. Chromium takes 64 MB first, Bun up to 10 MB. */
  readonly holdsBack: boolean
  /** Takes what is not quite HTTP in its own way: browsers a head that is cut off, Node 22 waits behind a 101 nobody asked for. */
  readonly lenient: boolean
}

/** Asks the platform. */
export function abilitiesOf(): Abilities {
  const strict = isStrict()
  const agent = (globalThis.navigator as Navigator | undefined)?.userAgent ?? ''
  const streams = takesStreams()
  return {
    // Browsers stream over HTTP/2 and newer only, and do not know beforehand what a server speaks.
    streams: streams ? (strict ? 'h2' : 'always') : 'never',
    strict,
    explains: agent.startsWith('Node.js/'),
    lenient: strict || agent.startsWith('Node.js/'),
    holdsBack: /^(?:Node\.js|Deno)\//.test(agent),
  }
}

/** A browser drops a header that is not its user's to set. */
function isStrict(): boolean {
  return !new Request(NOWHERE, { headers: { cookie: 'a=b' } }).headers.has('cookie')
}

/** A platform that cannot send a stream does not look at `duplex`, and takes the stream for text. */
function takesStreams(): boolean {
  let asked = false
  const init = {
    method: 'POST',
    body: new ReadableStream(),
    get duplex() {
      asked = true
      return 'half'
    },
  }
  try {
    return !new Request(NOWHERE, init).headers.has('content-type') && asked
  } catch {
    return false
  }
}

const NOWHERE = 'https://localhost/'
