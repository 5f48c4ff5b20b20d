import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { firstValueFrom, lastValueFrom } from 'rxjs'
import { createClient, useClient } from 'sluice'
import { reply, serve } from 'sluice/testing'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

describe('a client that names neither engine nor plugins', () => {
  it('has the engine of the platform and the recommended plugins, loaded with the first request', async () => {
    await using server = await serve({ 'GET /': reply.text('hello') })
    const client = createClient({ baseUrl: server.url })
    expect(client.explain()).toContain('recommended(), loaded with the first request')
    expect((await firstValueFrom(client.get(''))).text()).toBe('hello')
    expect(client.explain()).toMatch(/steer {4}retry [^]+wire {5}decode [^]+engine {3}undici/)
    expect(server.requests[0]?.headers['user-agent']).toMatch(/^sluice\//)
    await client.close()
    await server.until(({ open }) => open === 0)
  })

  it('is there for as long as it is used', async () => {
    await using server = await serve({ 'GET /': reply.text('hello') })
    const text = await lastValueFrom(
      useClient({ baseUrl: server.url }, client => client.stream('', response => new Response(response.body).text())),
    )
    expect(text).toBe('hello')
    await server.until(({ open }) => open === 0)
  })
})

describe('a process', () => {
  const run = async (program: string): Promise<string> => {
    const source = `import { createClient } from 'sluice'; import { firstValueFrom } from 'rxjs'; ${program}`
    const flags = ['--conditions=sluice-source', '--no-warnings', '--input-type=module', '--eval', source]
    const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: ROOT, timeout: 8_000 })
    return stdout.trim()
  }

  it('ends by itself with a client that was never used', async () => {
    expect(await run(`createClient(); console.log('end')`)).toBe('end')
  })

  it('ends by itself with a client that is idle and was not closed', async () => {
    await using server = await serve({ 'GET /': reply.text('hello') })
    const program = `
      const client = createClient({ baseUrl: '${server.url}' })
      console.log((await firstValueFrom(client.get(''))).text())
      client.monitor.subscribe()
      void client.join()`
    expect(await run(program)).toBe('hello')
  })

  it('waits for a call that runs', async () => {
    await using server = await serve({ 'GET /': { body: 'hello', delay: 100 } })
    const program = `
      createClient({ baseUrl: '${server.url}' }).get('').subscribe(response => console.log(response.text()))`
    expect(await run(program)).toBe('hello')
  })
})
