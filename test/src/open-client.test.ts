import { firstValueFrom } from 'rxjs'
import {
  createClient,
  definePlugin,
  type AnyPlugin,
  type ChildOptions,
  type Client,
  type ClientOptions,
  type EngineFactory,
  type PluginContext,
} from 'sluice'
import { describe, expect, it } from 'vitest'
import { openClient, type Defaults } from '../../src/open-client.ts'
import { answering, ScriptedEngine } from './scripted-engine.ts'
import { failure, reason, thrown } from './thrown.ts'

function plugin(name: string, scope: AnyPlugin['scope'] = 'call', more: { inside?: Record<string, string> } = {}) {
  return definePlugin({
    name,
    scope,
    ...more,
    defaults: { tag: 'default' },
    install: () => {
      let calls = 0
      return (request, next, { tag }) => next(request.header(`x-${name}`, `${tag} ${++calls}`))
    },
  })
}

/** A factory, and the engines it has made. */
function factory(make: () => ScriptedEngine = answering): EngineFactory & { readonly made: ScriptedEngine[] } {
  const made: ScriptedEngine[] = []
  return {
    name: 'scripted',
    made,
    create() {
      const engine = make()
      made.push(engine)
      return engine
    },
  }
}

const settle = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('createClient', () => {
  const engine = (): ScriptedEngine => answering()

  it.each<[string, () => unknown, RegExp]>([
    [
      'an unknown option',
      () => ({ engin: engine() }),
      /^createClient has no option "engin"\. Did you mean "engine"\?$/,
    ],
    [
      'an option of nobody',
      () => ({ zzz: 1 }),
      /^createClient has no option "zzz"\. It has engine, baseUrl, confine, plugins\.$/,
    ],
    ['options that are none', () => null, /^The options of createClient must be an object, not null\.$/],
    ['a base url without a slash', () => ({ baseUrl: 'https://api.test/v1' }), /must end with a slash/],
    ['a base url that is none', () => ({ baseUrl: 'api' }), /is not an absolute url/],
    [
      'a confine that is no flag',
      () => ({ confine: 'no' }),
      /^createClient\(\{ confine \}\) must be true or false, not "no"\.$/,
    ],
    [
      'a factory nobody called',
      () => ({ engine: answering }),
      /^The engine must be .+, not a function; call it, as in undici\(\)\.$/,
    ],
    [
      'an engine that is none',
      () => ({ engine: {} }),
      /^The engine must be an engine or a factory of one, not an object; .+\.$/,
    ],
    [
      'an engine that is null',
      () => ({ engine: null }),
      /^The engine must be an engine or a factory of one, not null; .+\.$/,
    ],
    ['plugins that are no list', () => ({ engine: engine(), plugins: plugin('a')() }), /must be given as a list/],
    [
      'a plugin nobody called',
      () => ({ engine: engine(), plugins: [plugin('a')] }),
      /^plugins\[0\] is a function and no plugin/,
    ],
    [
      'an order that cannot work',
      () => ({ engine: engine(), plugins: [plugin('a', 'attempt')(), plugin('b')()] }),
      /An order that works: \[b, a\]\.$/,
    ],
  ])('refuses %s', (_, options, message) => {
    const error = thrown(() => createClient(options() as ClientOptions))
    expect(error).toMatchObject({ code: 'CONFIG', phase: 'config' })
    expect(error.message).toMatch(message)
  })

  it('makes no engine when something else is wrong', () => {
    const engines = factory()
    thrown(() => createClient({ engine: engines, plugins: [plugin('a', 'wire')(), plugin('b')()] }))
    expect(engines.made).toEqual([])
  })

  it('releases the engine it made when a plugin cannot be installed', async () => {
    const engines = factory()
    const broken = definePlugin({
      name: 'broken',
      scope: 'call',
      defaults: {},
      install: () => {
        throw new Error('cannot be installed')
      },
    })
    expect(() => createClient({ engine: engines, plugins: [broken()] })).toThrow('cannot be installed')
    await settle()
    expect(engines.made[0]?.ended).toEqual(['destroy CANCELLED'])
  })

  it('installs each plugin once', async () => {
    const api = engine()
    const client = createClient({ engine: api, plugins: [plugin('a')()] })
    await firstValueFrom(client.get('https://api.test/'))
    await firstValueFrom(client.get('https://api.test/'))
    expect(api.sent.map(({ request }) => request.headers.get('x-a'))).toEqual(['default 1', 'default 2'])
  })

  it('tells its plugins of their engine', () => {
    const seen: PluginContext[] = []
    const curious = definePlugin({
      name: 'curious',
      scope: 'call',
      defaults: {},
      install: context => {
        seen.push(context)
        return (request, next) => next(request)
      },
    })
    const api = engine()
    createClient({ engine: api, plugins: [curious()] })
    expect(seen[0]?.engine).toBe(api)
  })
})

describe('options of a call', () => {
  const client = (api: ScriptedEngine): Client<{ a?: { tag?: string | undefined } | false | undefined }> =>
    createClient({ engine: api, plugins: [plugin('a')({ tag: 'client' })] })
  const sent = async (options: object): Promise<string | undefined> => {
    const api = answering()
    await firstValueFrom(client(api).get('https://api.test/', options))
    return api.last.request.headers.get('x-a')
  }

  it('go over those of the client, which go over the defaults', async () => {
    expect(await sent({})).toBe('client 1')
    expect(await sent({ a: {} })).toBe('client 1')
    expect(await sent({ a: { tag: undefined } })).toBe('client 1')
    expect(await sent({ a: { tag: 'call' } })).toBe('call 1')
    expect(await sent({ a: undefined })).toBe('client 1')
  })

  it('leave a plugin out with false', async () => {
    expect(await sent({ a: false })).toBeUndefined()
  })

  it.each<[object, string]>([
    [{ aa: {} }, 'No plugin of this client has the name "aa". Did you mean "a"?'],
    [
      { logging: {} },
      'No plugin of this client has the name "logging". Known are headers, query, params, body, method, a; is the plugin installed?',
    ],
    [{ a: { tga: 'x' } }, 'a has no option "tga". Did you mean "tag"?'],
    [{ a: true }, 'The option a must be an object, or false to leave the plugin out of this call, not true.'],
    [{ a: null }, 'The option a must be an object, or false to leave the plugin out of this call, not null.'],
    [JSON.parse('{"__proto__":{}}') as object, 'No plugin of this client has the name "__proto__".'],
  ])('are refused when nobody understands them: %o', async (options, message) => {
    const api = answering()
    const error = await failure(client(api).get('https://api.test/', options))
    expect(error).toMatchObject({ code: 'CONFIG', request: { method: 'GET' } })
    expect(error.message).toContain(message)
    expect(api.sent).toEqual([])
  })
})

describe('a child client', () => {
  it('shares engine and plugin state with its parent, and adds what it is given', async () => {
    const api = answering()
    const parent = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [plugin('a')()] })
    const child = parent.with(plugin('b', 'attempt')({ tag: 'own' }))
    await firstValueFrom(parent.get('1'))
    await firstValueFrom(child.get('2', { b: { tag: 'call' } }))
    await firstValueFrom(child.get('3', { a: false }))
    expect(api.sent.map(({ request }) => request.headers.flat.join(' '))).toEqual([
      'x-a default 1',
      'x-a default 2 x-b call 1',
      'x-b own 2',
    ])
    expect(api.sent.map(({ request }) => request.id)).toEqual([1, 2, 3])
    const odd: object = { b: {} }
    expect(await failure(parent.get('4', odd))).toMatchObject({ code: 'CONFIG' })
  })

  it('replaces a plugin of the same name where it stands, with a state of its own', async () => {
    const api = answering()
    const parent = createClient({ engine: api, baseUrl: 'https://api.test/', plugins: [plugin('a')(), plugin('b')()] })
    const child = parent.with(plugin('a')({ tag: 'child' }))
    await firstValueFrom(parent.get('1'))
    await firstValueFrom(child.get('2'))
    await firstValueFrom(parent.get('3'))
    expect(api.sent.map(({ request }) => request.headers.flat.join(' '))).toEqual([
      'x-a default 1 x-b default 1',
      'x-a child 1 x-b default 2',
      'x-a default 2 x-b default 3',
    ])
  })

  it('puts new plugins innermost of their scope, and where they say they belong', () => {
    const parent = createClient({
      engine: answering(),
      plugins: [plugin('a')(), plugin('b', 'steer', { inside: { first: 'because' } })(), plugin('c', 'attempt')()],
    })
    const names = (client: Client): string[] =>
      [...client.explain().matchAll(/^ {2}(?:call|steer|attempt|wire) +(\w+)/gm)].map(([, name = '']) => name)
    expect(names(parent.with(plugin('x')(), plugin('y', 'steer')(), plugin('z', 'wire')()))).toEqual([
      'a',
      'x',
      'b',
      'y',
      'c',
      'z',
    ])
    expect(names(parent.with(plugin('first', 'steer')()))).toEqual(['a', 'first', 'b', 'c'])
  })

  it.each<[string, (client: Client) => unknown, RegExp]>([
    [
      'an unknown option',
      client => client.extend({ plugin: [] } as ChildOptions),
      /^extend has no option "plugin"\. Did you mean "plugins"\?$/,
    ],
    ['an engine', client => client.extend({ engine: answering() } as ChildOptions), /^extend has no option "engine"/],
    ['a plugin nobody called', client => client.with(plugin('a') as unknown as AnyPlugin), /call it to make a plugin/],
    ['the same plugin twice', client => client.with(plugin('x')(), plugin('x')()), /stands twice/],
    ['a base url without a slash', client => client.extend({ baseUrl: 'v1' }), /must end with a slash/],
    ['a confine that is none', client => client.extend({ confine: 1 as unknown as boolean }), /must be true or false/],
  ])('is refused %s', (_, make, message) => {
    const error = thrown(() => make(createClient({ engine: answering(), baseUrl: 'https://api.test/', plugins: [] })))
    expect(error.code).toBe('CONFIG')
    expect(error.message).toMatch(message)
  })

  it('joins its base url to that of its parent, and confines as its parent does unless it says otherwise', async () => {
    const api = answering()
    const parent = createClient({ engine: api, baseUrl: 'https://api.test/v1/', plugins: [] })
    const child = parent.extend({ baseUrl: 'users/' })
    await firstValueFrom(child.get('7'))
    await firstValueFrom(child.extend({ baseUrl: 'posts/' }).get('8'))
    await firstValueFrom(parent.extend({ confine: false }).get('/v2/'))
    await firstValueFrom(parent.extend({ baseUrl: 'https://other.test/' }).get('9'))
    expect(api.lines).toEqual([
      'GET https://api.test/v1/users/7',
      'GET https://api.test/v1/users/posts/8',
      'GET https://api.test/v2/',
      'GET https://other.test/9',
    ])
    expect(await failure(child.get('../'))).toMatchObject({ code: 'CONFIG' })
    const free = createClient({ engine: api, baseUrl: 'https://api.test/', confine: false, plugins: [] })
    await firstValueFrom(free.extend({ baseUrl: 'x/' }).get('/y'))
    expect(await failure(free.extend({ confine: true }).get('//evil.test'))).toMatchObject({ code: 'CONFIG' })
  })

  it('has the credentials of its parent on the same origin only', async () => {
    const api = answering()
    const parent = createClient({ engine: api, baseUrl: 'https://ada:pw@api.test/', plugins: [] })
    await firstValueFrom(parent.extend({ baseUrl: 'x/' }).get('1'))
    await firstValueFrom(parent.extend({ baseUrl: 'https://other.test/' }).get('2'))
    expect(api.sent.map(({ request }) => request.headers.get('authorization'))).toEqual(['Basic YWRhOnB3', undefined])
  })

  it('never releases the engine, and releases its own plugins', async () => {
    const engines = factory()
    const log: string[] = []
    const closing = (name: string) =>
      definePlugin({
        name,
        scope: 'call',
        defaults: {},
        install: ({ onClose }) => {
          onClose(() => log.push(name))
          return (request, next) => next(request)
        },
      })()
    const parent = createClient({ engine: engines, baseUrl: 'https://api.test/', plugins: [closing('a')] })
    const child = parent.with(closing('b'))
    await child.close()
    expect([log, engines.made[0]?.ended, parent.closed]).toEqual([['b'], [], false])
    await firstValueFrom(parent.get(''))
    const other = parent.with(closing('c'))
    await parent.close()
    expect(log).toEqual(['b', 'c', 'a'])
    expect(engines.made[0]?.ended).toEqual(['close'])
    expect(other.closed).toBe(true)
  })

  it('waits for what a plugin does at the end', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    let closed = false
    const flushing = definePlugin({
      name: 'flushing',
      scope: 'call',
      defaults: {},
      install: ({ onClose }) => {
        onClose(() => promise)
        return (request, next) => next(request)
      },
    })
    const client = createClient({ engine: answering(), plugins: [flushing()] })
    void client.close().then(() => (closed = true))
    await settle()
    expect(closed).toBe(false)
    resolve(undefined)
    await settle()
    expect(closed).toBe(true)
  })
})

describe('an engine', () => {
  it('that a factory made is released with its client: gracefully or by force', async () => {
    const engines = factory()
    await createClient({ engine: engines, plugins: [] }).close()
    const cancelled = createClient({ engine: engines, plugins: [] })
    cancelled.cancel()
    await cancelled.join()
    expect(engines.made.map(({ ended }) => ended)).toEqual([['close'], ['destroy CANCELLED']])
  })

  it('that was handed in stays its owner’s', async () => {
    const api = answering()
    await createClient({ engine: api, plugins: [] }).close()
    const second = createClient({ engine: api, plugins: [] })
    second.cancel()
    await second.join()
    expect(api.ended).toEqual([])
    await firstValueFrom(createClient({ engine: api, plugins: [] }).get('https://api.test/'))
  })

  it('is released after the last call has ended', async () => {
    const engines = factory(() => new ScriptedEngine())
    const client = createClient({ engine: engines, plugins: [] })
    client.get('https://api.test/').subscribe()
    const closed = client.close()
    await settle()
    expect(engines.made[0]?.ended).toEqual([])
    engines.made[0]?.last.answer()
    await closed
    expect(engines.made[0]?.ended).toEqual(['close'])
  })

  it('hears that a call was aborted before it is released', async () => {
    const log: string[] = []
    class Logging extends ScriptedEngine {
      override destroy(): Promise<void> {
        log.push(`destroy, asked ${this.last.asked.join()}`)
        return Promise.resolve()
      }
    }
    const engines: EngineFactory = { name: 'logging', create: () => new Logging() }
    const client = createClient({ engine: engines, plugins: [] })
    client.get('https://api.test/').subscribe({ error: () => undefined })
    client.cancel()
    await client.join()
    expect(log).toEqual(['destroy, asked abort'])
  })

  it('that cannot be made fails createClient', () => {
    const broken: EngineFactory = {
      name: 'broken',
      create: () => {
        throw new Error('no driver')
      },
    }
    expect(() => createClient({ engine: broken, plugins: [] })).toThrow('no driver')
  })
})

describe('defaults', () => {
  interface Opened {
    readonly client: Client
    readonly engines: ReturnType<typeof factory>
    readonly asked: string[]
    readonly ready: PromiseWithResolvers<EngineFactory>
  }
  function lazily(options: ClientOptions = {}, make?: () => ScriptedEngine): Opened {
    const engines = factory(make)
    const asked: string[] = []
    const ready = Promise.withResolvers<EngineFactory>()
    const defaults: Defaults = {
      engine: () => {
        asked.push('engine')
        return ready.promise
      },
      plugins: () => {
        asked.push('plugins')
        return Promise.resolve([plugin('a')()])
      },
    }
    return { client: openClient({ baseUrl: 'https://api.test/', ...options }, defaults), engines, asked, ready }
  }

  it('are loaded with the first request, once, and both at a time', async () => {
    const { client, engines, asked, ready } = lazily()
    const call = client.get('x')
    expect(asked).toEqual([])
    const answers = Promise.all([firstValueFrom(call), firstValueFrom(call)])
    expect(client.inFlight).toBe(2)
    await settle()
    expect(asked).toEqual(['engine', 'plugins'])
    ready.resolve(engines)
    await answers
    expect(engines.made).toHaveLength(1)
    expect(engines.made[0]?.last.request.headers.get('x-a')).toBe('default 2')
    await client.close()
    expect(engines.made[0]?.ended).toEqual(['close'])
  })

  it('are not loaded by a client that is never used', async () => {
    const { client, asked } = lazily()
    expect(client.explain()).toContain('loaded with the first request')
    await client.close()
    expect(asked).toEqual([])
  })

  it('are not loaded when they are given', async () => {
    const api = answering()
    const { client, asked } = lazily({ engine: api, plugins: [] })
    await firstValueFrom(client.get('x'))
    expect(asked).toEqual([])
  })

  it('are told by explain() as soon as they are known, also while the engine is still to be loaded', () => {
    const { client } = lazily({ plugins: [plugin('a')()] })
    expect(client.explain()).toMatch(/call +a .*\n[^]+engine +the platform's default, loaded with the first request/)
    expect(client.with(plugin('b')()).explain()).toMatch(/call +a .*\n +call +b /)
  })

  it('are there for explain() once they are loaded', async () => {
    const { client, engines, ready } = lazily()
    ready.resolve(engines)
    await firstValueFrom(client.get('x'))
    expect(client.explain()).toMatch(/call +a [^]+engine +scripted/)
  })

  it('let a call be left while they load: nothing is sent', async () => {
    const { client, engines, ready } = lazily()
    const subscription = client.get('x').subscribe()
    subscription.unsubscribe()
    expect(client.inFlight).toBe(0)
    ready.resolve(engines)
    await settle()
    expect(engines.made[0]?.sent).toEqual([])
    await client.close()
    expect(engines.made[0]?.ended).toEqual(['close'])
  })

  it('let a client be cancelled while they load: the calls end now, the engine as soon as it is there', async () => {
    const { client, engines, ready } = lazily()
    const call = reason(firstValueFrom(client.get('x')))
    client.cancel()
    expect(await call).toMatchObject({ code: 'CANCELLED' })
    ready.resolve(engines)
    await client.join()
    expect(engines.made[0]?.ended).toEqual(['destroy CANCELLED'])
    expect(engines.made[0]?.sent).toEqual([])
  })

  it('let a client be closed while they load: the calls are answered first', async () => {
    const { client, engines, ready } = lazily()
    const call = firstValueFrom(client.get('x'))
    const closed = client.close()
    ready.resolve(engines)
    expect((await call).text()).toBe('ok')
    await closed
    expect(engines.made[0]?.ended).toEqual(['close'])
  })

  it('that cannot be loaded fail the calls, every one, and not the end of the client', async () => {
    const { client, ready } = lazily()
    const first = reason(firstValueFrom(client.get('x')))
    ready.reject(new Error('no such module'))
    expect(await first).toEqual(new Error('no such module'))
    expect(await reason(firstValueFrom(client.get('x')))).toEqual(new Error('no such module'))
    expect(client.inFlight).toBe(0)
    expect(await client.close()).toEqual({ cut: [] })
  })

  it('serve children too, which were made before they were loaded', async () => {
    const { client, engines, ready } = lazily()
    const child = client.with(plugin('b')())
    const grandchild = child.extend({ baseUrl: 'deep/' })
    const answer = firstValueFrom(grandchild.get('x'))
    ready.resolve(engines)
    await answer
    expect(engines.made[0]?.lines).toEqual(['GET https://api.test/deep/x'])
    expect(engines.made[0]?.last.request.headers.flat).toEqual(['x-a', 'default 1', 'x-b', 'default 1'])
    await firstValueFrom(client.get('y'))
    expect(engines.made).toHaveLength(1)
    await client.close()
  })

  it('whose order a child makes impossible fail its calls with the reason', async () => {
    const { client, engines, ready } = lazily()
    ready.resolve(engines)
    const child = client.with(
      plugin('b', 'call', { inside: { c: 'x' } })(),
      plugin('c', 'call', { inside: { b: 'y' } })(),
    )
    expect(await failure(child.get('x'))).toMatchObject({ code: 'CONFIG' })
  })
})
