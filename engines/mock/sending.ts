/** Sending: the head of the request, then its body at the pace of a script. */
import { LIMITS, UPLOAD_PROGRESS } from '../../src/index.ts'
import { asTime } from './connecting.ts'
import { mistake, timeout } from './failures.ts'
import { Intake } from './intake.ts'
import type { Script } from './script.ts'
import type { Stage } from './stage.ts'

/** Takes the request; `answer` is called when it was read, or as early as the script says. */
export function send(stage: Stage, script: Script, answer: () => void): void {
  const { request, recording } = stage
  const { body } = request
  const fault = script.fault?.at === 'send' ? script.fault : undefined
  stage.enter('send')
  if (fault !== undefined && (body === undefined || fault.kind === 'error')) {
    // Without a body, the head is all there is to break off in.
    if (fault.kind === 'stall') {
      stage.fail(mistake(request, "it has no body, so sending it cannot stall; use { stall: 'headers' }"))
    } else stage.strike(fault, script)
    return
  }
  if (!stage.emit({ type: 'sent' })) return

  const reports = body !== undefined && request.read(UPLOAD_PROGRESS) === true
  const progress = (done: boolean): boolean => {
    const loaded = recording.body.length
    const total = body?.length
    // The last chunk of a known length is told of once, at the end.
    if (!reports || (!done && loaded === total)) return true
    return stage.emit({ type: 'progress', way: 'up', loaded, total, ...(done ? { done } : {}) })
  }

  const limit = asTime(request.read(LIMITS)?.send)
  const pace = { delay: script.readDelay, stopAfter: fault?.after ?? Infinity, limit }
  const intake = new Intake(body, pace, stage.wait, {
    taken(bytes) {
      recording.body.take(bytes)
      if (progress(false) && recording.body.length >= script.answersAfter) answer()
    },
    whole() {
      if (fault !== undefined) {
        const size = recording.body.length
        stage.fail(mistake(request, `its body has ${size} bytes, so nothing can happen after ${fault.after} of them`))
      } else if (progress(true)) answer()
    },
    stopped() {
      if (fault !== undefined) stage.strike(fault, script)
    },
    overdue() {
      stage.fail(timeout(request, 'send', limit))
    },
    failed(error) {
      stage.fail(error)
    },
  })
  stage.onEnd(() => {
    intake.stop()
  })
  if (script.answersAfter === 0) answer()
  intake.start()
}
