/** A job that a server takes its time for: started, and waited for without asking in vain. */
import { map, switchMap, takeWhile, type Observable } from 'rxjs'
import type { Body, Client } from 'sluice'
import { longPoll } from 'sluice/streams/poll'

export type Job = { readonly version: number; readonly state: 'running' | 'done' | 'failed'; readonly note: string }

/** Emits each state of it, the last one too. Leaving it stops waiting; the job goes on. */
export function runJob(client: Client, body: Body): Observable<Job> {
  return client.post('jobs', body).pipe(
    // 202 Accepted: where it is told of the job (RFC 9110 §15.3.3).
    map(({ headers, url }) => new URL(headers.get('location') ?? '', url)),
    switchMap(job =>
      longPoll(client, job, {
        // The server answers when there is something newer than this.
        cursor: response => response.json<Job>().version,
        next: version => ({ query: { after: version } }),
      }),
    ),
    map(response => response.json<Job>()),
    takeWhile(({ state }) => state === 'running', true),
  )
}
