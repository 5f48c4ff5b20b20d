/** Failures of which a platform says no more than that they happened. */
import type { Fault, Progress } from '../exchange/progress.ts'
import { truncated } from '../exchange/faults.ts'

/** What is known of it: whether there was an answer. `hint` is one more thing it may have been. */
export function unexplained(progress: Progress, hint = ''): Fault {
  if (progress.answered) return truncated(progress)
  return {
    code: 'CONNECT',
    phase: 'connect',
    what: `got no answer, and this platform does not tell why: it may be the network, the name, the certificate, the answer itself, a rule of the page or the server about other origins (CORS)${hint}`,
  }
}
