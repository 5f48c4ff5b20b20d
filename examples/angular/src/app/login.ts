import { Component, inject, signal } from '@angular/core'
import { toSignal } from '@angular/core/rxjs-interop'
import { catchError, map, of, switchMap, timer } from 'rxjs'
import { SLUICE } from 'sluice/angular'
import { Session } from './session'

/** Somebody logs in, and stays logged in: tokens are replaced in silence, once for all requests that wait. */
@Component({
  selector: 'app-login',
  template: `
    <section>
      <h2>Login</h2>
      @if (greeting(); as text) {
        <p id="greeting">{{ text }}</p>
        <p class="note">
          refreshed <span id="refreshed">{{ session.refreshed() }}</span> times, asked every second
        </p>
      } @else {
        <button id="login" (click)="login()">Log in as Ada</button>
      }
    </section>
  `,
})
export class Login {
  readonly #client = inject(SLUICE)
  readonly session = inject(Session)
  readonly greeting = signal<string | undefined>(undefined)
  readonly #asking = toSignal(
    timer(0, 1_000).pipe(
      switchMap(() =>
        this.session.token() === undefined
          ? of(undefined)
          : this.#client.get('api/me').pipe(
              map(answer => this.greeting.set(`Hello ${answer.json<{ name: string }>().name}`)),
              catchError(() => of(undefined)),
            ),
      ),
    ),
  )

  login(): void {
    this.session.login('Ada').subscribe()
  }
}
