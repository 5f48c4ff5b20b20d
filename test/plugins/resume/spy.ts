import { tap, type Observer } from 'rxjs'
import { definePlugin, type AnyPlugin, type HttpEvent } from 'sluice'

/** A plugin that sees what comes out of all others, and leaves it as it is. */
export function spy(observer: Partial<Observer<HttpEvent>>): AnyPlugin {
  return definePlugin({
    name: 'spy',
    scope: 'call',
    defaults: {},
    install: () => (request, next) => next(request).pipe(tap(observer)),
  })()
}
