import { describe, expect, it } from 'vitest'
import { explain } from '../../src/explain.ts'
import { definePlugin, type AnyPlugin, type Scope } from '../../src/index.ts'

function plugin(name: string, scope: Scope, defaults: object = {}): AnyPlugin {
  return definePlugin({ name, scope, defaults, install: () => (request, next) => next(request) })()
}

describe('explain', () => {
  it('draws the way of a request from the caller to the engine', () => {
    const plugins = [
      plugin('log', 'call'),
      plugin('retry', 'steer', { times: 3, when: () => true, name: undefined }),
      plugin('timeout', 'attempt', { idle: 10_000, attempt: false, label: 'slow' }),
      plugin('decode', 'wire'),
    ]
    expect(explain({ baseUrl: 'https://api.test/', plugins, engine: 'undici' })).toBe(
      [
        'client https://api.test/',
        '  call     log',
        '  steer    retry { times: 3 }',
        '  attempt  timeout { idle: 10000, attempt: false, label: "slow" }',
        '  ──────── whole bodies are gathered here; stream() passes them live ────────',
        '  wire     decode',
        '  engine   undici',
      ].join('\n'),
    )
  })

  it('says what is not loaded yet', () => {
    expect(explain({ baseUrl: undefined, plugins: undefined, engine: undefined })).toBe(
      [
        'client without a base url',
        '  recommended(), loaded with the first request',
        '  ──────── whole bodies are gathered here; stream() passes them live ────────',
        "  engine   the platform's default, loaded with the first request",
      ].join('\n'),
    )
  })

  it('shows no secret', () => {
    const text = explain({
      baseUrl: 'https://ada:s3cret@api.test/',
      plugins: [
        plugin('auth', 'steer', {
          token: 's3cret',
          clientSecret: 's3cret',
          url: 'https://x:s3cret@p.test/?key=s3cret',
        }),
      ],
      engine: 'undici',
    })
    expect(text).not.toContain('s3cret')
    expect(text).toContain('url: "https://p.test/?key=<redacted:6>"')
  })
})
