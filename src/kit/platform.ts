/** What only a platform's own `fetch` and `XMLHttpRequest` understand. */
import { Token } from '../token.ts'

/** Says of one request what the Fetch standard knows and HTTP does not. */
export interface PlatformWishes {
  readonly credentials?: 'omit' | 'same-origin' | 'include' | undefined
  readonly mode?: 'cors' | 'no-cors' | 'same-origin' | 'navigate' | undefined
  readonly cache?: 'default' | 'no-store' | 'reload' | 'no-cache' | 'force-cache' | 'only-if-cached' | undefined
  readonly keepalive?: boolean | undefined
  readonly priority?: 'auto' | 'high' | 'low' | undefined
  readonly referrer?: string | undefined
  readonly referrerPolicy?: string | undefined
  readonly integrity?: string | undefined
}

/** Noted by doors through which such wishes come in. Engines that stand on a platform heed it; it means nothing to others. */
export const PLATFORM: Token<PlatformWishes> = new Token<PlatformWishes>('platform')
