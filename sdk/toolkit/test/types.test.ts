// What the compiler says about generated modules, and about wrong calls of them.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, expectTypeOf, test } from 'vitest'
import type * as told from '../src/description.js'
import type * as understood from '@countersign/sdk/api'
import { generate } from '../src/index.js'
import { document } from './fixture.js'
import { compile, given, temporary, written } from './support.js'

test('the toolkit tells the runtime what it understands', () => {
  expectTypeOf<told.Operation>().toEqualTypeOf<understood.Operation>()
  expectTypeOf<told.Parameter>().toEqualTypeOf<understood.Parameter>()
  expectTypeOf<told.RequestBody>().toEqualTypeOf<understood.RequestBody>()
  expectTypeOf<told.SecurityScheme>().toEqualTypeOf<understood.SecurityScheme>()
})

const right = `
import acme, { collide, create, delete_, type Configuration_ } from './acme/index.js'
const args = { path_id: 'p', query_id: 1, header_id: 'h', query_path_id: 'q', query_note: 'n', body_note: 'b' }
await acme.collide({ ...args, title: 't', body_id: 'b' })
await collide({ path_id: 'p', title: 't', body_id: 'b' }, { timeout: 5, signal: AbortSignal.timeout(1) })
await acme.maybe()
await acme.delete_()
await delete_({})
await acme.whole({ path_body: 'x', body_body: ['a'] })
await acme.sameName2()
const text: string = await acme.plain({ body: 'x' })
const bytes: Blob = await acme.bytes({ body: new Blob() })
const settings: Configuration_ = { apiKey: () => text, username: 'u', password: async () => 'p', url: 'https://x' }
acme.configure_(settings)
acme.create_(settings).cookie({ text: 1 })
acme.create_(async (call) => new Response(call.operation.name)).form({ list: ['a'] })
export { bytes, create }
`

// Each line by itself: a line that compiles is a failure of this test.
const wrong = [
  `acme.collide({ id: 'p', title: 't', body_id: 'b' })`,
  `acme.collide({ path_id: 'p', body_id: 'b' })`,
  `acme.collide()`,
  `acme.collide({ path_id: 'p', title: 't', body_id: 'b', titel: 'x' })`,
  `acme.collide({ path_id: 5, title: 't', body_id: 'b' })`,
  `acme.collide({ path_id: 'p', title: 't', body_id: 'b', Authorization: 'x' })`,
  `acme.form({ list: [1] })`,
  `acme.delete_({ anything: 1 })`,
  `acme.whole({ path_body: 'x', body_body: 'a' })`,
  `acme.configure_({ pasword: 'p' })`,
  `acme.configure_({ url: 5 })`,
  `acme.collider({})`,
]

test(
  'right calls compile strictly, with NodeNext and for a bundler; wrong ones do not',
  { timeout: 60_000 },
  async () => {
    const folder = await temporary()
    await generate({ input: await written(document), out: join(folder, 'acme') })
    await writeFile(join(folder, 'right.ts'), right)
    const exact = {
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      isolatedDeclarations: true,
    }
    expect(
      await compile(folder, {
        ...exact,
        declaration: true,
        noUnusedLocals: true,
        verbatimModuleSyntax: true,
      }),
    ).toBe('')
    await writeFile(join(folder, 'right.ts'), right.replace('./acme/index.js', './acme'))
    expect(await compile(folder, { module: 'ESNext', moduleResolution: 'Bundler' })).toBe('')

    await writeFile(join(folder, 'right.ts'), '')
    const lines = [`import acme from './acme/index.js'`, ...wrong]
    await writeFile(join(folder, 'wrong.ts'), lines.join('\n'))
    const errors = [...(await compile(folder)).matchAll(/^(.*)\((\d+),/gm)].map(
      ([, file, line]) => `${file}:${line}`,
    )
    const expected = wrong.map((_, index) => expect.stringMatching(new RegExp(`wrong\\.ts:${index + 2}$`)))
    expect([...new Set(errors)]).toEqual(expected)
  },
)

test.skipIf(given === undefined)(
  `the document that COUNTERSIGN_TEST_OPENAPI names compiles${given ? '' : ' (SKIPPED: it names none)'}`,
  { timeout: 120_000 },
  async () => {
    const folder = await temporary()
    await generate({ input: given as string, out: join(folder, 'given') })
    expect(await compile(folder, { verbatimModuleSyntax: true, exactOptionalPropertyTypes: true })).toBe('')
  },
)
