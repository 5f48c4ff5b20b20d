import { inject, Injectable, Injector, signal } from '@angular/core'
import { map, tap, type Observable } from 'rxjs'
import { SLUICE } from 'sluice/angular'

interface Granted {
  readonly access: string
  readonly refresh: string
}

/** Who is logged in. Access tokens live for three seconds here, so that one can watch them being replaced. */
@Injectable({ providedIn: 'root' })
export class Session {
  readonly refreshed = signal(0)
  readonly #granted = signal<Granted | undefined>(undefined)
  // Asked for late: the client is made with this session in its hands.
  readonly #injector = inject(Injector)

  token(): string | undefined {
    return this.#granted()?.access
  }

  login(name: string): Observable<void> {
    return this.#ask('api/login', { name })
  }

  refresh(): Observable<string> {
    return this.#ask('api/refresh', { refresh: this.#granted()?.refresh }).pipe(
      tap(() => this.refreshed.update(count => count + 1)),
      map(() => this.token() ?? ''),
    )
  }

  #ask(url: string, body: object): Observable<void> {
    return this.#injector
      .get(SLUICE)
      .post(url, body)
      .pipe(map(answer => this.#granted.set(answer.json<Granted>())))
  }
}
