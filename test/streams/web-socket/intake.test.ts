/** What is done with messages may fail late, and what looks at them may be no good. */
import { type Observable, of, switchMap, throwError, timer } from 'rxjs'
import type { Schema } from 'sluice'
import type { MockPeer } from 'sluice/engines/mock'
import { marbles } from 'sluice/testing'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { at, talk, type Options } from './talk.ts'

const late = (ms: number): Observable<never> => timer(ms).pipe(switchMap(() => throwError(() => new RangeError('no'))))
const looking = (validate: (value: unknown) => unknown): Pick<Options, 'schema'> => ({
  schema: { '~standard': { version: 1, vendor: 'test', validate } } as unknown as Schema,
})

describe('what is still being done with a message when the WebSocket has ended', () => {
  it.each([
    ['with a goodbye', 1000],
    ['with an error', 4000],
  ])('and fails is its end: %s', (_, close) => {
    marbles(() => {
      const { heard, states, error } = talk({ concurrency: 2, project: () => late(20) }, ['a', { close }])
      expect(error).toBeUndefined()
      at(50, () => {
        expect(heard).toEqual(['20 RangeError: no'])
        expect(states.at(-1)).toBe('20 closed')
      })
    })
  })

  it('and fails takes all else that is being done with it', () => {
    marbles(() => {
      const { heard } = talk({ concurrency: 3, project: text => (text === 'a' ? late(20) : timer(40)) }, [
        'a',
        'b',
        { close: 1000 },
      ])
      at(60, () => {
        expect(heard).toEqual(['20 RangeError: no'])
      })
    })
  })

  it('and fails behind a goodbye of ours is its end too', () => {
    marbles(() => {
      const { socket, heard } = talk({ concurrency: 2, project: () => late(20) }, ['a'])
      at(5, () => {
        socket.complete()
      })
      at(50, () => {
        expect(heard).toEqual(['20 RangeError: no'])
      })
    })
  })

  it('and does not fit its schema is its end, also where nobody is connected any more', async () => {
    vi.useFakeTimers()
    onTestFinished(() => {
      vi.useRealTimers()
    })
    const fits = Promise.withResolvers<unknown>()
    const mute = (peer: MockPeer): void => {
      peer.send('a')
      peer.stall()
    }
    const { socket, heard, states, api } = talk(
      looking(() => fits.promise),
      mute,
    )
    socket.complete()
    await vi.advanceTimersByTimeAsync(4000)
    expect(api.inFlight).toBe(0)
    expect(heard).toEqual([])
    fits.resolve({ issues: [{ message: 'no' }] })
    await vi.advanceTimersByTimeAsync(1)
    expect(heard).toEqual([expect.stringContaining('BODY decode')])
    expect(states.at(-1)).toMatch(/closed$/)
  })
})

describe('a schema that answers nothing that is an answer', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['nothing, later', Promise.resolve()],
    [
      'a promise that is none',
      {
        then: () => {
          throw new RangeError('no')
        },
      },
    ],
    ['issues that are none', { issues: 7 }],
    ['issues that are nowhere', { issues: [{ message: 'no', path: [null] }] }],
  ])('fails with BODY: %s', async (_, answer) => {
    const { heard, api, said } = talk(
      looking(() => answer),
      ['a', 'b'],
    )
    await expect.poll(() => heard.map(line => line.replace(/^\d+ /, ''))).toEqual(['BODY decode'])
    expect(api.inFlight).toBe(0)
    expect(said()).toEqual([['no goodbye']])
  })
})

it('a projector that is left by what it returned hands nothing on', () => {
  marbles(() => {
    const { heard, socket } = talk({ project: text => (socket.error('no goodbye'), of(text)) }, ['a', 'b'])
    at(10, () => {
      expect(heard).toEqual(['0 CONFIG config'])
    })
  })
})
