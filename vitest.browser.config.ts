import type { ViteUserConfig } from 'vitest/config'

// The engines of browsers in Chromium. It has to be installed: `npm run test:browser`, not `npm test`.
const conditions = ['sluice-source', 'node', 'import', 'default']

const config: ViteUserConfig = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    name: 'browser',
    environment: 'node',
    include: ['test/browser/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    // Each file has a browser of its own.
    fileParallelism: false,
    execArgv: ['--conditions=sluice-source', '--expose-gc'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
  },
}

export default config
