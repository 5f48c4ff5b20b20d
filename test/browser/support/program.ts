/** The program of the other side, bundled. */
import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

/** Bundles `page.ts` for a browser, or `runtime.ts` for a process. It fails on whatever a browser does not have. */
export async function program(entry: 'page' | 'runtime'): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`${entry}.ts`, import.meta.url))],
    bundle: true,
    write: false,
    platform: 'browser',
    format: entry === 'page' ? 'iife' : 'esm',
    target: 'es2024',
    conditions: ['sluice-source'],
    // How a process is spoken to; the engines may not import it.
    external: entry === 'page' ? [] : ['node:process'],
  })
  return outputFiles[0]?.text ?? ''
}
