/** Ways to send one request of a contest. */
import type { Observable } from 'rxjs'
import type { HttpResponse } from 'sluice'
import type { Send } from './contest.ts'

/** By a function that returns a Promise of the parsed answer. */
export function promised(send: () => Promise<unknown>): Send {
  return done => {
    send().then(() => {
      done()
    }, done)
  }
}

/** By subscribing to a call of a client of ours. */
export function subscribed(call: Observable<HttpResponse>): Send {
  return done => {
    call.subscribe({
      next: response => {
        response.json()
      },
      error: done,
      complete: () => {
        done()
      },
    })
  }
}
