import { Component } from '@angular/core'
import { Login } from './login'
import { Prices } from './prices'
import { RetryBanner } from './retry-banner'
import { Rows } from './rows'
import { Upload } from './upload'
import { Users } from './users'

@Component({
  selector: 'app-root',
  imports: [Login, Prices, RetryBanner, Rows, Upload, Users],
  template: `
    <h1>Angular on sluice</h1>
    <app-retry-banner />
    <main>
      <app-users />
      <app-prices />
      <app-rows />
      <app-upload />
      <app-login />
    </main>
  `,
})
export class App {}
