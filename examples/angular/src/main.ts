import { provideHttpClient } from '@angular/common/http'
import { DOCUMENT, inject } from '@angular/core'
import { bootstrapApplication } from '@angular/platform-browser'
import { recommended } from 'sluice'
import { provideSluice } from 'sluice/angular'
import { bearer } from 'sluice/plugins/bearer'
import { retry } from 'sluice/plugins/retry'
import { App } from './app/app'
import { Session } from './app/session'

bootstrapApplication(App, {
  providers: [
    provideHttpClient(),
    provideSluice(() => {
      const session = inject(Session)
      return {
        baseUrl: `${inject(DOCUMENT).location.origin}/`,
        // The token goes to this origin only. Without one, requests go as they are; a 401 asks for another one, once for all.
        plugins: recommended(
          retry({ delay: attempt => attempt * 1_000 }),
          bearer({ token: () => session.token(), refresh: () => session.refresh() }),
        ),
      }
    }),
  ],
}).catch((error: unknown) => {
  console.error(error)
})
