import { take } from 'rxjs'
import { HttpRequest, HttpHeaders, type Engine } from 'sluice'
import { describe, expect, it } from 'vitest'
import { edge } from '../../src/edge.ts'

const request = new HttpRequest({
  id: 1,
  method: 'GET',
  url: 'https://api.test/',
  headers: HttpHeaders.none,
  body: undefined,
  options: {},
  notes: undefined,
})

describe('the edge', () => {
  it('tells an engine that speaks before exchange() has returned that nobody listens any more', () => {
    const closed: (boolean | undefined)[] = []
    let aborted = false
    const engine: Engine = {
      name: 'instant',
      capabilities: {
        protocols: ['http/1.1'],
        streamingUpload: false,
        uploadProgress: false,
        duplex: false,
        informational: false,
        trailers: false,
        backPressure: false,
        decodes: false,
        limits: [],
      },
      exchange(_, observer) {
        closed.push(observer.closed?.())
        observer.next({ type: 'sent' })
        closed.push(observer.closed?.())
        return {
          pause() {},
          resume() {},
          abort() {
            aborted = true
          },
        }
      },
      close: () => Promise.resolve(),
      destroy: () => Promise.resolve(),
    }
    edge(engine)(request).pipe(take(1)).subscribe()
    expect({ closed, aborted }).toEqual({ closed: [false, true], aborted: true })
  })
})
