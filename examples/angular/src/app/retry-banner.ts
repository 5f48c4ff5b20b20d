import { Component, inject, signal } from '@angular/core'
import { toSignal } from '@angular/core/rxjs-interop'
import { filter, map, switchMap, takeWhile, timer } from 'rxjs'
import { SLUICE } from 'sluice/angular'

/** Says what the client is waiting for: the notices of the plugin `retry`, counted down. */
@Component({
  selector: 'app-retry-banner',
  template: `
    @if (message()) {
      <p class="banner" id="banner">{{ message() }}</p>
    }
    <p>
      <button id="flaky" (click)="ask()">Ask a server that is out of order</button>
      <span id="flaky-answer">{{ answer() }}</span>
    </p>
  `,
})
export class RetryBanner {
  readonly #client = inject(SLUICE)
  readonly answer = signal('')
  readonly message = toSignal(
    this.#client.monitor.pipe(
      filter(event => event.type === 'notice'),
      filter(({ plugin, name }) => plugin === 'retry' && name === 'retrying'),
      map(({ detail }) => Math.ceil(Number(detail['delay']) / 1_000)),
      switchMap(seconds =>
        timer(0, 1_000).pipe(
          map(passed => seconds - passed),
          takeWhile(left => left >= 0),
          map(left => (left === 0 ? '' : `retrying in ${left} s`)),
        ),
      ),
    ),
  )

  ask(): void {
    this.answer.set('…')
    this.#client.get('api/flaky').subscribe({
      next: ({ status }) => this.answer.set(`answered with ${status}`),
      error: (error: Error) => this.answer.set(error.message),
    })
  }
}
