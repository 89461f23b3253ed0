/**
 * Reading an OpenAPI document, and refusing what is none.
 *
 * @module
 */

import { readFile, stat } from 'node:fs/promises'
import { parseDocument } from 'yaml'
import { ToolkitError } from './toolkit-error.js'

/** A JSON object of a document. */
export type JsonObject = Record<string, unknown>

/** An OpenAPI document whose references all point into itself. */
export interface OpenApiDocument {
  /** The document. */
  root: JsonObject
  /** Where it came from, when that was a URL: relative servers are relative to it. */
  url: string | undefined
}

/** The largest document that is read, in bytes; the largest public ones have some 15 MiB. */
const MAX_BYTES = 64 * 1024 * 1024

/** How long a download may take, in milliseconds. */
const DOWNLOAD_TIME = 60_000

/** Reads a document from a file or an http or https URL. */
export async function readOpenApi(source: string): Promise<OpenApiDocument> {
  const isUrl = /^https?:\/\//i.test(source)
  const text = isUrl ? await download(source) : await readBounded(source)
  return { root: parseOpenApi(text), url: isUrl ? source : undefined }
}

/** Parses and judges a document, JSON or YAML. */
export function parseOpenApi(text: string): JsonObject {
  const root = checkOpenApi(/^\s*[{[]/.test(text) ? (tryJson(text) ?? parseYaml(text)) : parseYaml(text))
  return root
}

/** Judges a document that is already parsed. */
export function checkOpenApi(root: unknown): JsonObject {
  if (!isObject(root))
    throw new ToolkitError('not_openapi', 'this is not an OpenAPI document: it is no object')
  const version = root['openapi']
  if (typeof version !== 'string' || !/^3\.[01]\.\d+(?:-.+)?$/.test(version)) {
    const found = root['swagger'] ? `Swagger ${String(root['swagger'])}` : 'no `openapi: 3.0.x` or `3.1.x`'
    throw new ToolkitError('not_openapi', `OpenAPI 3.0 and 3.1 are understood; this document has ${found}`)
  }
  if (!isObject(root['paths'])) throw new ToolkitError('not_openapi', 'the document has no `paths`')
  checkReferences(root)
  return root
}

/** Whether it is an object with members. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What is meant: the value itself, or what its `$ref` points to. */
export function resolve(root: JsonObject, value: unknown): unknown {
  const seen = new Set<string>()
  while (isObject(value) && typeof value['$ref'] === 'string') {
    const reference = value['$ref']
    if (seen.has(reference))
      throw new ToolkitError('broken_reference', `${shown(reference)} points to itself`)
    seen.add(reference)
    value = pointed(root, reference)
  }
  return value
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function parseYaml(text: string): unknown {
  // The core schema of YAML 1.2 is JSON's types: a date stays the text that it is.
  const parsed = parseDocument(text, { schema: 'core', uniqueKeys: true, logLevel: 'silent' })
  const [error] = parsed.errors
  if (error) {
    const line = error.linePos?.[0].line
    const [word] = error.message.split('\n')
    throw new ToolkitError('not_openapi', `neither JSON nor YAML${line ? `, line ${line}` : ''}: ${word}`)
  }
  try {
    // A bound on aliases: a few lines of YAML can be made to unfold into gigabytes.
    return parsed.toJS({ maxAliasCount: 1000 }) as unknown
  } catch {
    throw new ToolkitError('not_openapi', 'the YAML has more aliases than is reasonable')
  }
}

async function readBounded(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > MAX_BYTES) throw new ToolkitError('unreadable', `${file} is larger than 64 MiB`)
    return await readFile(file, 'utf8')
  } catch (error) {
    if (error instanceof ToolkitError) throw error
    throw new ToolkitError(
      'unreadable',
      `${file} cannot be read (${String(Object(error).code ?? 'unknown')})`,
    )
  }
}

async function download(source: string): Promise<string> {
  const url = URL.canParse(source) ? new URL(source) : undefined
  if (!url) throw new ToolkitError('unreadable', 'this is not a URL')
  // They would end up in the shell's history; and nothing here needs to repeat them.
  if (url.username || url.password) throw new ToolkitError('unreadable', 'a URL with credentials is not read')
  const shownUrl = url.origin + url.pathname
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIME) })
    if (!response.ok) throw new ToolkitError('unreadable', `${shownUrl} answers HTTP ${response.status}`)
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of (response.body as AsyncIterable<Uint8Array> | null) ?? []) {
      bytes += chunk.byteLength
      if (bytes > MAX_BYTES) throw new ToolkitError('unreadable', `${shownUrl} is larger than 64 MiB`)
      chunks.push(chunk)
    }
    return Buffer.concat(chunks).toString('utf8')
  } catch (error) {
    if (error instanceof ToolkitError) throw error
    const { name, cause } = Object(error) as { name?: string; cause?: { code?: string } }
    const reason = name === 'TimeoutError' ? 'no answer in time' : (cause?.code ?? 'no answer')
    throw new ToolkitError('unreadable', `${shownUrl} cannot be read (${reason})`)
  }
}

/**
 * Refuses references out of the document, wherever they stand: reading one would read a file or a URL that a stranger
 * chose. Those into the document have to lead somewhere.
 */
function checkReferences(root: JsonObject): void {
  const seen = new Set<object>()
  const queue: { value: unknown; place: string }[] = [{ value: root, place: '#' }]
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { value, place } = next
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    const reference = Array.isArray(value) ? undefined : (value as JsonObject)['$ref']
    if (typeof reference === 'string') {
      if (!reference.startsWith('#')) {
        const fault = `${place} refers to ${shown(reference)}, outside of the document; bundle it into one file first`
        throw new ToolkitError('external_reference', fault)
      }
      pointed(root, reference, place)
    }
    for (const [name, member] of Object.entries(value)) {
      queue.push({ value: member, place: `${place}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}` })
    }
  }
}

/** What a JSON pointer (RFC 6901) points to. */
function pointed(root: JsonObject, reference: string, place?: string): unknown {
  let value: unknown = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const name = decoded(step).replaceAll('~1', '/').replaceAll('~0', '~')
    value =
      typeof value === 'object' && value !== null && Object.hasOwn(value, name)
        ? (value as JsonObject)[name]
        : undefined
  }
  if (value !== undefined && /^#(?:\/|$)/.test(reference)) return value
  const where = place ? `${place} refers to ` : ''
  throw new ToolkitError('broken_reference', `${where}${shown(reference)}, which is not in the document`)
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step)
  } catch {
    return step
  }
}

function shown(reference: string): string {
  return JSON.stringify(reference.slice(0, 200))
}
