import { Component, DestroyRef, DOCUMENT, inject, signal } from '@angular/core'
import { createClient } from 'sluice'
import { xhr } from 'sluice/engines/xhr'
import { progress } from 'sluice/plugins/progress'

/** An upload with its progress, which browsers tell of XMLHttpRequest only: a client of its own, on that engine. */
@Component({
  selector: 'app-upload',
  template: `
    <section>
      <h2>Upload</h2>
      <input id="file" type="file" (change)="send($any($event.target).files[0])" />
      <p><progress id="progress" max="1" [value]="part()"></progress></p>
      <p class="note">
        <span id="uploaded">{{ state() }}</span>
      </p>
    </section>
  `,
})
export class Upload {
  readonly #client = createClient({
    engine: xhr(),
    baseUrl: `${inject(DOCUMENT).location.origin}/`,
    plugins: [progress({ down: false })],
  })
  readonly part = signal(0)
  readonly state = signal('nothing yet')

  constructor() {
    inject(DestroyRef).onDestroy(() => this.#client.unsubscribe())
  }

  send(file: File): void {
    this.#client.events('api/upload', { method: 'POST', body: file }).subscribe({
      next: event => {
        if (event.type === 'progress') this.part.set(event.loaded / (event.total ?? file.size))
        if (event.type === 'response') this.state.set(`${event.response.json<{ bytes: number }>().bytes} bytes arrived`)
      },
      error: (error: Error) => this.state.set(error.message),
    })
  }
}
