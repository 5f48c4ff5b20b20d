import { Component, computed } from '@angular/core'
import { map, scan } from 'rxjs'
import { sseResource } from 'sluice/angular'

const SHOWN = 60

/** A chart of server-sent events. It connects again by itself, and ends with the component. */
@Component({
  selector: 'app-prices',
  template: `
    <section>
      <h2>Prices, live</h2>
      <svg viewBox="0 0 ${SHOWN} 100" preserveAspectRatio="none"><polyline [attr.points]="points()" /></svg>
      <p class="note">
        <span id="ticks">{{ latest() }}</span>
      </p>
    </section>
  `,
})
export class Prices {
  readonly #prices = sseResource({
    url: () => 'api/prices',
    pipe: events =>
      events.pipe(
        map(({ data }) => (JSON.parse(data) as { price: number }).price),
        scan((prices: readonly number[], price) => [...prices.slice(1 - SHOWN), price], []),
      ),
  })
  readonly latest = computed(() => this.#prices.value()?.at(-1)?.toFixed(2) ?? 'waiting')
  readonly points = computed(() => (this.#prices.value() ?? []).map((price, at) => `${at},${100 - price}`).join(' '))
}
