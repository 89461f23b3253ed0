// The TypeScript of README.md compiles, and what calls an API calls it.
import { readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { generate, readOpenApi } from '../src/index.js'
import { compile, root, temporary, wire, written } from './support.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.unstubAllEnvs()
})

test('snippets', { timeout: 60_000 }, async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const snippets = [...readme.matchAll(/^```typescript\n(.*?)^```/gms)].map(([, code]) => code as string)
  expect(snippets.length).toBeGreaterThan(2)

  // The wire is Stytch's, up to the credentials: there is one kind there.
  const { root: document } = await readOpenApi(wire)
  const { components } = document as { components: { securitySchemes: object } }
  components.securitySchemes = { project: { type: 'http', scheme: 'basic' } }
  const folder = await temporary()
  const out = join(folder, 'stytch')
  const runtime = relative(out, join(root, 'sdk/typescript/src/api.js'))
  await generate({ input: await written(document), out, runtime })
  const files = await Promise.all(
    snippets.map(async (code, index) => {
      const file = join(folder, `snippet-${index}.ts`)
      await writeFile(file, code)
      return file
    }),
  )
  const paths = { '@countersign/toolkit': [join(root, 'sdk/toolkit/src/index.ts')] }
  const bundler = {
    module: 'ESNext',
    moduleResolution: 'Bundler',
    types: ['node'],
    skipLibCheck: true,
    paths,
  }
  expect(await compile(folder, bundler)).toBe('')

  const lines: string[] = []
  vi.stubEnv('STYTCH_URL', 'https://project.example.com')
  vi.stubEnv('STYTCH_USERNAME', 'u')
  vi.stubEnv('STYTCH_PASSWORD', 'p')
  vi.stubGlobal('fetch', async (url: string, { method }: RequestInit) => {
    lines.push(`${method} ${url}`)
    return Response.json({ m2m_client: {} })
  })
  for (const [index, code] of snippets.entries()) {
    if (code.includes(`from './stytch'`)) await import(/* @vite-ignore */ files[index] as string)
  }
  expect(lines).toEqual([
    'POST https://project.example.com/v1/m2m/clients',
    'GET https://test.stytch.com/v1/m2m/clients/m2m-client-%E2%80%A6',
  ])
})

test('every option of the command is explained', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const command = await readFile(new URL('../src/command.ts', import.meta.url), 'utf8')
  const options = [...command.matchAll(/^ {8}(\w+): \{ type:/gm)].map(([, name]) => name)
  expect(options).toEqual(['out', 'name', 'force', 'help'])
  for (const name of options.filter((name) => name !== 'help')) expect(readme).toContain(`\`--${name}\``)
})
