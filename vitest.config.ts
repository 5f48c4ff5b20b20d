import type { ViteUserConfig } from 'vitest/config'

// The private condition first: `sluice`, `sluice/plugins/retry` and the `#…` doors of package.json then mean the sources.
const conditions = ['sluice-source', 'node', 'import', 'default']

const config: ViteUserConfig = {
  test: {
    projects: [
      {
        resolve: { conditions },
        ssr: { resolve: { conditions, externalConditions: conditions } },
        test: {
          name: 'node',
          environment: 'node',
          include: ['test/**/*.test.ts'],
          // These need what has to be installed: see vitest.{servers,proxies,browser}.config.ts.
          exclude: ['test/servers/**', 'test/proxies/**', 'test/browser/**'],
          setupFiles: ['test/setup.ts'],
          pool: 'forks',
          // Left to itself it keeps one of two processors free; most tests wait for sockets and timers.
          maxWorkers: 2,
          // Type tests run with the others. What is wrong elsewhere is for `npm run typecheck` to say.
          typecheck: {
            enabled: true,
            checker: './node_modules/typescript7/bin/tsc',
            include: ['test/**/*.test-d.ts'],
            ignoreSourceErrors: true,
          },
          execArgv: ['--conditions=sluice-source', '--expose-gc'],
          testTimeout: 10_000,
          hookTimeout: 10_000,
        },
      },
    ],
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
  },
}

export default config
