// The names and arguments of operations, in a file that the gateway's tests read too: both do the same with a document.
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkOpenApi, isObject, type JsonObject, readOpenApi, resolve } from '../src/document.js'
import { bodyMembers } from '../src/flat.js'
import { runHeyApi } from '../src/hey-api.js'
import { readOperation } from '../src/operations.js'
import { serverUrl } from '../src/servers.js'
import { given, root } from './support.js'
import { documents } from './tricky.js'

const file = join(root, 'sdk/vectors/operations.json')

/** What the real hey-api and the toolkit make of a document. */
async function operationsOf(document: JsonObject): Promise<unknown[]> {
  const { operations } = await runHeyApi(checkOpenApi(document))
  const [server] = (Array.isArray(document['servers']) ? document['servers'] : []).map((one) =>
    serverUrl(one, undefined),
  )
  const context = { root: document, server, url: undefined, ignoredSchemes: new Set<string>() }
  return operations.map((names) => {
    const { operation } = readOperation(context, names)
    const parameters = (operation.parameters ?? []).map(({ in: place, name, argument, ...style }) => ({
      name: argument ?? name,
      place,
      original: name,
      ...style,
    }))
    const { body } = operation
    const arguments_ = body?.argument
      ? [{ name: body.argument, place: 'body', original: 'body' }]
      : membersOf(document, names, body?.type).map((member) => {
          const renamed = Object.entries(body?.members ?? {}).find(([, original]) => original === member)
          return { name: renamed?.[0] ?? member, place: 'member', original: member }
        })
    return {
      name: operation.name,
      method: operation.method,
      path: operation.path,
      ...(operation.server ? { server: operation.server } : {}),
      arguments: [...parameters, ...arguments_],
      ...(body
        ? {
            body: {
              mediaType: body.type,
              spread: body.argument === undefined,
              required: body.required ?? false,
              encoding: body.encoding ?? {},
            },
          }
        : {}),
      security: operation.security ?? [],
    }
  })
}

function membersOf(
  document: JsonObject,
  at: { path: string; method: string },
  type: string | undefined,
): string[] {
  if (type === undefined) return []
  let value: unknown = (document['paths'] as JsonObject)[at.path]
  for (const step of [at.method, 'requestBody', 'content', type, 'schema']) {
    const meant = resolve(document, value)
    value = isObject(meant) ? meant[step] : undefined
  }
  return [...(bodyMembers(document, value)?.keys() ?? [])]
}

test('names and arguments are those of the file', { timeout: 120_000 }, async () => {
  const vectors = {
    about:
      'Operations of tricky documents: names by the real hey-api, arguments by the toolkit. Written by sdk/toolkit/test/vectors.test.ts',
    documents: [] as unknown[],
  }
  for (const [title, document] of Object.entries(documents)) {
    const operations = await operationsOf(structuredClone(document))
    vectors.documents.push({ title, document, operations })
  }
  const text = `${JSON.stringify(vectors, null, 1)}\n`
  if (process.env['COUNTERSIGN_UPDATE_VECTORS']) await writeFile(file, text)
  expect(text, 'write the file anew: COUNTERSIGN_UPDATE_VECTORS=1').toBe(await readFile(file, 'utf8'))
})

test.skipIf(given === undefined || !process.env['COUNTERSIGN_TEST_OPERATIONS'])(
  'the operations of the document that COUNTERSIGN_TEST_OPENAPI names are written to COUNTERSIGN_TEST_OPERATIONS',
  { timeout: 120_000 },
  async () => {
    const { root: document } = await readOpenApi(given as string)
    const operations = await operationsOf(document)
    await writeFile(process.env['COUNTERSIGN_TEST_OPERATIONS'] as string, JSON.stringify(operations))
    expect(operations.length).toBeGreaterThan(0)
  },
)
