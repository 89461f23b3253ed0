// The package as others see it: its subpaths, its dependencies, its documentation.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

const root = new URL('..', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, root), 'utf8')
const manifest = JSON.parse(read('package.json')) as {
  exports: Record<string, string | { types: string; default: string }>
  dependencies: Record<string, string>
}
const subpaths = Object.keys(manifest.exports).filter((subpath) => subpath !== './package.json')
const sources = readdirSync(new URL('src', root)).filter((name) => name.endsWith('.ts'))

describe('subpaths', () => {
  test('every public file has one, and every one has its file', () => {
    const expected = sources.map((name) => (name === 'index.ts' ? '.' : `./${name.replace('.ts', '')}`))
    expect([...subpaths].sort()).toEqual(expected.sort())
    for (const subpath of subpaths) {
      const name = subpath === '.' ? 'index' : subpath.slice(2)
      expect(manifest.exports[subpath]).toEqual({
        types: `./dist/${name}.d.ts`,
        default: `./dist/${name}.js`,
      })
    }
  })

  test('every one is in the README, and the README names no other', () => {
    const named = [...read('README.md').matchAll(/@countersign\/sdk(\/[\w-]+)?/g)].map(
      ([, path]) => `.${path ?? ''}`,
    )
    expect([...new Set(named)].sort()).toEqual([...subpaths].sort())
  })

  test('each has what is listed here at run time and nothing else: what is private is in lib', async () => {
    const found = sources
      .filter((name) => name !== 'index.ts')
      .map(async (name) => [
        name.replace('.ts', ''),
        Object.keys((await import(new URL(`src/${name}`, root).href)) as object).sort(),
      ])
    expect(Object.fromEntries(await Promise.all(found))).toEqual({
      'any-verifier': ['anyVerifier'],
      api: ['apiModule'],
      'api-error': ['ApiError', 'ArgumentError', 'ConnectionError', 'GatewayError'],
      bearer: ['bearerToken', 'refusalAnswer'],
      'configuration-error': ['ConfigurationError'],
      credential: ['apiKey', 'basic', 'bearer'],
      'direct-transport': ['directTransport'],
      express: ['authenticated', 'identity'],
      fastify: ['authenticated', 'identity'],
      'fetch-with-token': ['fetchWithToken'],
      'gateway-transport': ['gatewayTransport'],
      hono: ['authenticated', 'identity'],
      identity: ['identity'],
      operation: [],
      refusal: ['Refusal'],
      scopes: ['satisfies', 'scopesOf'],
      'token-error': ['TokenError'],
      'token-source': ['tokenSource'],
      transport: [],
      verifier: ['verifier'],
    })
    for (const name of sources) expect(read(`src/${name}`), name).toContain('@module')
  })
})

test('jose is the only dependency, and nothing of Node is imported', () => {
  expect(Object.keys(manifest.dependencies)).toEqual(['jose'])
  const files = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  for (const name of files.filter((name) => name.endsWith('.ts'))) {
    const imported = [...read(`src/${name}`).matchAll(/(?:from|import\() ?'([^']+)'/g)].map(
      ([, path]) => path!,
    )
    const foreign = imported.filter((path) => !path.startsWith('.') && !/^jose(\/|$)/.test(path))
    // Examples in comments import what a reader would.
    const inComments = [...read(`src/${name}`).matchAll(/^ \* import .* from '([^']+)'/gm)].map(
      ([, path]) => path!,
    )
    expect(
      foreign.filter((path) => !inComments.includes(path)),
      name,
    ).toEqual([])
  }
})

test('every refusal code is in the README', () => {
  const codes = [...read('src/refusal.ts').matchAll(/^ {2}(\w+): ['"]/gm)].map(([, code]) => code!)
  expect(codes.length).toBe(20)
  for (const code of codes) expect(read('README.md')).toContain(`\`${code}\``)
})
