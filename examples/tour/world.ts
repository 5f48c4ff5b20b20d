/** The server the tour talks to: real sockets on loopback, with trouble built in. */
import { reply, serve, type TestServer } from 'sluice/testing'

const USERS = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan']

/** Starts it. `GET /flaky` fails twice before it answers. */
export async function openWorld(): Promise<TestServer> {
  let flaky = 0
  return serve({
    'GET /users/:id': ({ params }) =>
      reply.json({ id: Number(params['id']), name: USERS[Number(params['id']) % USERS.length] }),
    'GET /flaky': () => (++flaky % 3 === 0 ? reply.json({ at: 'last' }) : reply.status(503)),
    'GET /silent': { fault: { kind: 'stall', at: 'before-head' } },
    'GET /movie': reply.bytes(64 * 1024 * 1024),
    'GET /search': ({ query }) => reply.json({ found: query.get('q') }, { delay: 150 }),
    'GET /report': reply.json({ pages: 12 }, { delay: 400 }),
  })
}
