// Makes src/generated from the description of the wire. `npm run generate -w sdk/typescript` runs it.
import { fileURLToPath } from 'node:url'
import { generate } from '@countersign/toolkit'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))

/** What is generated, and how; the test that looks for a stale module needs the same. */
export const options = {
  input: at('../../api/openapi.json'),
  out: at('src/generated'),
  name: 'countersign',
  runtime: '../api.js',
  schemes: {
    project: ['projectId', 'projectSecret'],
    // The token endpoint takes a client's credentials as arguments, and never by two ways at once (RFC 6749 section 2.3).
    client: false,
  },
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { operations } = await generate(options)
  console.log(`src/generated: ${operations.length} operations`)
}
