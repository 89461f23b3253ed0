// What one operation weighs, and that no other comes along.
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))
const index = '../../src/index.js'
const byName = `import { apiM2mV1M2mClientsCreate } from '${index}'\nawait apiM2mV1M2mClientsCreate({})`
const byDefault = `import countersign from '${index}'\nawait countersign.apiM2mV1M2mClientsCreate({})`
const asNamespace = `import * as countersign from '${index}'\nawait countersign.apiM2mV1M2mClientsCreate({})`

async function esbuilt(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder, loader: 'ts' },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
  })
  return outputFiles[0]!.text
}

async function rolled(contents: string): Promise<string> {
  const entry = `${folder}entry.ts`
  const bundle = await rolldown({
    input: entry,
    platform: 'browser',
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? contents : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  return output[0].code
}

const operationsIn = (code: string) => [
  ...new Set(code.match(/\bapi(?:B2b|Debug|M2m|Session)\w+|get(?:Jwk|Auth)\w+/g)),
]

test.each([
  ['by its name, esbuild', esbuilt, byName],
  ['of a namespace, esbuild', esbuilt, asNamespace],
  ['by its name, rolldown', rolled, byName],
  ['of the default export, rolldown', rolled, byDefault],
])('one operation %s: no other comes along', async (name, bundle, source) => {
  const code = await bundle(source)
  const bytes = gzipSync(code, { level: 9 }).length
  process.stdout.write(`one operation ${name}: ${bytes} bytes, minified and compressed\n`)
  expect(operationsIn(code)).toEqual(['apiM2mV1M2mClientsCreate'])
  expect(bytes).toBeLessThan(9_000)
})

// esbuild follows a default export only as an object, so all members stay. When this fails, esbuild has learnt it, and
// the README may say so.
test('of the default export, esbuild keeps all operations', async () => {
  expect(operationsIn(await esbuilt(byDefault)).length).toBeGreaterThan(10)
})
