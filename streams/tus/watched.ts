/** How much of a request has been sent: heard next to the engine, told to whoever asked for it by a note. */
import { tap } from 'rxjs'
import { definePlugin, Token, UPLOAD_PROGRESS, type PluginFactory } from '../../src/index.ts'

/** By this note an upload hears how many bytes of its request have been sent, where the engine can tell. */
export const SENT: Token<(loaded: number) => void> = new Token<(loaded: number) => void>('tus sent')

/** Tells whoever noted {@link SENT}. */
export const watched: PluginFactory<'tusProgress', object> = definePlugin({
  name: 'tusProgress',
  scope: 'wire',
  defaults: {},
  install: () => (request, next) => {
    const tell = request.read(SENT)
    if (tell === undefined) return next(request)
    return next(request.note(UPLOAD_PROGRESS, true)).pipe(
      tap(event => {
        if (event.type === 'progress' && event.way === 'up') tell(event.loaded)
      }),
    )
  },
})
