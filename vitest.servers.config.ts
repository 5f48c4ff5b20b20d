import type { ViteUserConfig } from 'vitest/config'

// Every engine against nginx, apache2, haproxy and nghttpd. They have to be installed: `npm run test:servers`, not `npm test`.
const conditions = ['sluice-source', 'node', 'import', 'default']

const config: ViteUserConfig = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name: 'servers',
    environment: 'node',
    include: ['test/servers/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    // Servers and clients share the processors of the machine.
    fileParallelism: false,
    execArgv: ['--conditions=sluice-source', '--expose-gc'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
  },
}

export default config
