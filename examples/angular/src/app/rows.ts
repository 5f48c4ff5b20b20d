import { Component, inject, signal } from '@angular/core'
import { map, timer } from 'rxjs'
import { injectStream, SLUICE } from 'sluice/angular'
import { ndjson } from 'sluice/streams/ndjson'

interface Row {
  readonly id: number
  readonly text: string
}

/** A table of a million rows that takes its time: the server sends what is wanted, and waits with the rest. */
@Component({
  selector: 'app-rows',
  template: `
    <section>
      <h2>Rows, one at a time</h2>
      <button id="read" (click)="read()">Read</button>
      <p class="note">
        shown <span id="shown">{{ shown() }}</span
        >, sent by the server <span id="sent">{{ sent() }}</span>
      </p>
      <ul>
        @for (row of latest(); track row.id) {
          <li>{{ row.text }}</li>
        }
      </ul>
    </section>
  `,
})
export class Rows {
  readonly #client = inject(SLUICE)
  /** The next row is taken when the one before has been shown for 20 ms. */
  readonly #rows = injectStream(
    'api/rows',
    ndjson<Row, Row>(row => timer(20).pipe(map(() => row))),
  )
  readonly shown = signal(0)
  readonly sent = signal(0)
  readonly latest = signal<readonly Row[]>([])

  read(): void {
    this.#rows.subscribe(row => {
      this.shown.update(count => count + 1)
      this.latest.update(rows => [...rows.slice(-4), row])
      if (this.shown() % 25 === 0)
        this.#client.get('api/rows/sent').subscribe(answer => this.sent.set(answer.json<{ rows: number }>().rows))
    })
  }
}
