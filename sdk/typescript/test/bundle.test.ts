// What the parts weigh in a browser: minified, bundled with all they need, and compressed.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

async function weigh(imports: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: imports, resolveDir: fileURLToPath(new URL('.', import.meta.url)), loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  })
  return gzipSync(outputFiles[0]!.contents, { level: 9 }).length
}

test.each([
  ['tokenSource', "export { tokenSource } from '../src/token-source.js'", 3_000],
  ['verifier with jose', "export { verifier } from '../src/verifier.js'", 12_000],
])('%s', async (name, imports, most) => {
  const bytes = await weigh(imports)
  process.stdout.write(`${name}: ${bytes} bytes of at most ${most}, minified and compressed\n`)
  expect(bytes).toBeLessThanOrEqual(most)
})
