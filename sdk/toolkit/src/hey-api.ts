/**
 * The run of `@hey-api/openapi-ts`: all names of functions and types, and the file of types, are its own.
 *
 * @module
 */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@hey-api/openapi-ts'
import typescript from 'typescript'
import { isObject, type JsonObject } from './document.js'
import { ToolkitError } from './toolkit-error.js'

/** What hey-api calls an operation and its types. */
export interface OperationNames {
  /** The path in the document. */
  path: string
  /** The method, in small letters. */
  method: string
  /** The function. */
  name: string
  /** The type of what is sent. */
  data: string
  /** The type of a success; without it, nothing is known of one. */
  response: string | undefined
}

/** What a run gives. */
export interface HeyApiRun {
  /** The operations in the order of the document. */
  operations: OperationNames[]
  /** The file of types. */
  types: string
}

/** Runs hey-api with the plugins that it runs by default. Nothing is written. */
export async function runHeyApi(document: JsonObject): Promise<HeyApiRun> {
  const [context] = await contextsOf(document)
  if (!context) throw new ToolkitError('invalid_document', 'the document yields nothing')
  // Names are final only when the files are made.
  const files = [...context.gen.render()]
  const types = files.find((file) => /(?:^|[/\\])types\.gen\.ts$/.test(file.path))?.content
  if (types === undefined) throw new ToolkitError('invalid_document', 'the document yields no types')

  demandTypesAlone(types)

  const typeNames = new Map<string, string>()
  for (const symbol of context.gen.symbols.query({ resource: 'operation', tool: 'typescript' })) {
    const { resourceId, role } = symbol.meta as { resourceId?: string; role?: string }
    typeNames.set(`${role} ${resourceId}`, symbol.finalName)
  }
  const operations = context.gen.symbols.query({ category: 'sdk', resource: 'operation' }).map((symbol) => {
    const { path, resourceId } = symbol.meta as { path?: readonly string[]; resourceId?: string }
    const data = typeNames.get(`data ${resourceId}`)
    const [, template, method] = path ?? []
    if (template === undefined || method === undefined || data === undefined) {
      throw new ToolkitError('invalid_document', `the operation ${symbol.finalName} cannot be found again`)
    }
    const response = typeNames.get(`response ${resourceId}`)
    return { path: template, method, name: symbol.finalName, data, response }
  })
  return { operations, types }
}

/** Where text for people stands, which hey-api puts into comments. */
const TEXTS = new Set(['description', 'summary', 'title'])

/**
 * Says `U+002A` for a literal `\\u002a` in texts for people, in place.
 *
 * hey-api turns such escapes into their characters after it has printed, and so after it has made comments safe: they
 * would end a comment, and what follows them would be code.
 */
function withoutEscapes<T>(value: T): T {
  const members: unknown = value
  if (Array.isArray(members)) members.forEach(withoutEscapes)
  else if (isObject(members)) {
    for (const [name, member] of Object.entries(members)) {
      if (TEXTS.has(name) && typeof member === 'string') {
        members[name] = member.replace(
          /\\u([0-9a-f]{4})/gi,
          (_, digits: string) => `U+${digits.toUpperCase()}`,
        )
      } else withoutEscapes(member)
    }
  }
  return value
}

/** Refuses a file that holds anything but types, whatever the document did to get it there. */
function demandTypesAlone(content: string): void {
  const file = typescript.createSourceFile('types.gen.ts', content, typescript.ScriptTarget.Latest)
  const { parseDiagnostics } = file as unknown as { parseDiagnostics: readonly unknown[] }
  const isType = (statement: typescript.Statement) =>
    typescript.isTypeAliasDeclaration(statement) || typescript.isInterfaceDeclaration(statement)
  if (parseDiagnostics.length > 0 || !file.statements.every(isType)) {
    throw new ToolkitError('invalid_document', 'a text of the document cannot be written as a type')
  }
}

async function contextsOf(document: JsonObject) {
  // A path without a file: else a configuration in the current folder would have a say in what is generated.
  const nowhere = join(tmpdir(), `countersign-toolkit-${process.pid}`)
  try {
    return await createClient({
      configFile: join(nowhere, 'none.config.ts'),
      // It is changed by the run.
      input: withoutEscapes(structuredClone(document)),
      output: { path: join(nowhere, 'out'), tsConfigPath: null, postProcess: [] },
      dryRun: true,
      logs: { level: 'silent', file: false },
      plugins: ['@hey-api/typescript', '@hey-api/sdk'],
    })
  } catch (error) {
    // The reason of a job that failed stands in what was thrown in it.
    const { originalError } = Object(error) as { originalError?: { error?: unknown } }
    const reason = originalError?.error ?? error
    const text = reason instanceof Error ? reason.message : String(reason)
    throw new ToolkitError('invalid_document', `hey-api cannot make anything of the document: ${text}`)
  }
}
