/** The client of an application. */
import { InjectionToken } from '@angular/core'
import type { Client } from '../../src/index.ts'

/** The client of the application: `inject(SLUICE)`. Made when it is first asked for, cancelled with its injector. */
export const SLUICE: InjectionToken<Client> = new InjectionToken<Client>('sluice')
