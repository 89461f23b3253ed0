// The reference pages. `HANDWRITTEN=1 typedoc` looks at the files written by hand alone, and demands a comment of everything
// they export; the generated types have what their OpenAPI document says.
import { readdirSync } from 'node:fs'

const handwritten = process.env['HANDWRITTEN'] === '1'
const files = readdirSync('src').filter((name) => name.endsWith('.ts'))

/** @type {import('typedoc').TypeDocOptions} */
export default {
  name: '@countersign/sdk',
  entryPoints: files.filter((name) => !handwritten || name !== 'index.ts').map((name) => `src/${name}`),
  tsconfig: 'tsconfig.json',
  out: '../../target/reference/typescript',
  emit: handwritten ? 'none' : 'docs',
  readme: 'README.md',
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, notDocumented: handwritten },
  // The type of a whole client names the module of all operations, which are documented one by one.
  intentionallyNotExported: handwritten ? [] : ['operations', '__module'],
  excludePrivate: true,
  disableGit: true,
  disableSources: true,
  githubPages: false,
}
