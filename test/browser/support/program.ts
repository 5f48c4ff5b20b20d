/** The program of the other side, bundled. */
import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

/** Bundles `page.ts` or `whole.ts` for a browser, or `runtime.ts` for a process. It fails on whatever a browser does not have. */
export async function program(entry: 'page' | 'runtime' | 'whole'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`${entry}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: entry === 'runtime' ? 'esm' : 'iife',
    target: 'es2024',
    conditions: ['sluice-source'],
    // How a process is spoken to; the engines may not import it.
    external: entry === 'runtime' ? ['node:process'] : [],
  })
  return outputFiles[0]?.text ?? ''
}
