import type { ViteUserConfig } from 'vitest/config'

// Every engine through squid, tinyproxy, haproxy, nghttpx and dante. They have to be installed: `npm run test:proxies`, not `npm test`.
const conditions = ['sluice-source', 'node', 'import', 'default']

const config: ViteUserConfig = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name: 'proxies',
    environment: 'node',
    include: ['test/proxies/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    // Proxies, servers and clients share the processors of the machine.
    fileParallelism: false,
    execArgv: ['--conditions=sluice-source', '--expose-gc'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
  },
}

export default config
