import { HttpClient } from '@angular/common/http'
import { Component, inject, signal } from '@angular/core'
import { toObservable, toSignal } from '@angular/core/rxjs-interop'
import { debounceTime, switchMap } from 'rxjs'

interface User {
  readonly id: number
  readonly name: string
}

/** A typeahead on Angular's own HttpClient. Each letter leaves the request before it, at the socket. */
@Component({
  selector: 'app-users',
  template: `
    <section>
      <h2>Users</h2>
      <input id="search" placeholder="name" (input)="query.set($any($event.target).value)" />
      <ul id="users">
        @for (user of users(); track user.id) {
          <li>{{ user.name }}</li>
        }
      </ul>
    </section>
  `,
})
export class Users {
  readonly #http = inject(HttpClient)
  readonly query = signal('')
  readonly users = toSignal(
    toObservable(this.query).pipe(
      debounceTime(50),
      switchMap(name => this.#http.get<readonly User[]>('/api/users', { params: { name } })),
    ),
  )
}
