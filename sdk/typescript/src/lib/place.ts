/** From flat arguments to path, query, headers, cookies and body. The toolkit's README states the rule. */

import { ArgumentError } from '../api-error.js'
import type { Arguments, Operation, Parameter } from '../operation.js'
import { encode, encodeReserved, type Pair, Unwritable, writePairs, writeText } from './parameter-style.js'
import { writeBody, type WrittenBody } from './request-body.js'

/** The parts of a request. */
export interface Placed {
  /** The path, encoded. */
  path: string
  /** The query's pairs, encoded. */
  query: Pair[]
  /** The headers. */
  headers: [string, string][]
  /** The cookies' pairs, encoded. */
  cookies: Pair[]
  /** The body. */
  body: WrittenBody | undefined
}

/** Puts every argument into its place. */
export function place(operation: Operation, args: Arguments): Placed {
  const placed: Placed = { path: operation.path, query: [], headers: [], cookies: [], body: undefined }
  const left = new Map(Object.entries(args).filter(([, value]) => value !== undefined))
  for (const parameter of operation.parameters ?? []) {
    const argument = parameter.argument ?? parameter.name
    const value = left.get(argument)
    left.delete(argument)
    write(operation, argument, () => placeParameter(placed, parameter, value))
  }
  refuseDotSegments(operation, placed.path)
  placed.body = placeBody(operation, left)
  return placed
}

function placeParameter(placed: Placed, parameter: Parameter, value: unknown): void {
  const { in: where, name } = parameter
  if (where === 'path') {
    placed.path = placed.path.replaceAll(`{${name}}`, () => pathText(parameter, value))
    return
  }
  // OpenAPI gives null no form in a parameter.
  if (value === null || value === undefined) return
  if (where === 'header') {
    const text = parameter.json ? asciiJson(value) : writeText(value, writing(parameter, 'simple', String))
    placed.headers.push([name, headerText(text)])
    return
  }
  const text = where === 'query' && parameter.allowReserved ? encodeReserved : encode
  const pairs: Pair[] = parameter.json
    ? [[encode(name), text(asJson(value))]]
    : writePairs(value, writing(parameter, 'form', text))
  ;(where === 'query' ? placed.query : placed.cookies).push(...pairs)
}

function pathText(parameter: Parameter, value: unknown): string {
  if (value === undefined || value === null) throw new Missing()
  const text = parameter.json ? encode(asJson(value)) : writeText(value, writing(parameter, 'simple', encode))
  // Without it, the request would be for another path.
  if (text === '') throw new Unwritable('is empty, and it is a part of the path')
  return text
}

function writing(parameter: Parameter, style: 'simple' | 'form', text: (value: string) => string) {
  const chosen = parameter.style ?? style
  return {
    name: parameter.name,
    style: chosen,
    explode: parameter.explode ?? chosen === 'form',
    encode: text,
  }
}

/**
 * Refuses a path in which an argument made a segment `.` or `..`: URLs are normalized before they are sent, with
 * percent-encoded dots too, so the request would be for another operation.
 */
function refuseDotSegments(operation: Operation, path: string): void {
  const template = operation.path.split('/')
  path.split('/').forEach((segment, index) => {
    if (!/^\.{1,2}$/.test(segment) || template[index] === segment) return
    const culprit = operation.parameters?.find(
      ({ in: where, name }) => where === 'path' && template[index]?.includes(`{${name}}`),
    )
    const argument = culprit?.argument ?? culprit?.name ?? 'path'
    throw new ArgumentError('unusable_argument', operation.name, argument, 'would point to another path')
  })
}

function placeBody(operation: Operation, left: Map<string, unknown>): WrittenBody | undefined {
  const { body } = operation
  if (body && body.argument === undefined) {
    if (left.size === 0 && !body.required) return undefined
    // Without a prototype, a member called `__proto__` is one as any other.
    const members = Object.create(null) as Record<string, unknown>
    for (const [argument, value] of left) members[named(body.members, argument)] = value
    return write(operation, 'body', () => writeBody(members, body))
  }
  const argument = body?.argument ?? ''
  const whole = body && left.get(argument)
  if (body) left.delete(argument)
  for (const unknown of left.keys()) {
    throw new ArgumentError('unknown_argument', operation.name, unknown, 'is no argument of this operation')
  }
  if (!body || whole === undefined) return undefined
  return write(operation, argument, () => writeBody(whole, body))
}

function named(members: Readonly<Record<string, string>> | undefined, argument: string): string {
  return members && Object.hasOwn(members, argument) ? (members[argument] as string) : argument
}

/** Header text is Latin-1 without controls; anything else would be refused with the value in the error, or cut. */
export function headerText(text: string): string {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text))
    throw new Unwritable('holds a character that no header may carry')
  return text
}

function asJson(value: unknown): string {
  return String(writeBody(value, { type: 'application/json' }).content)
}

/** JSON for a header, which carries no character beyond Latin-1. */
function asciiJson(value: unknown): string {
  return asJson(value).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

class Missing extends Error {}

function write<T>(operation: Operation, argument: string, task: () => T): T {
  try {
    return task()
  } catch (error) {
    if (error instanceof Missing) {
      throw new ArgumentError('missing_argument', operation.name, argument, 'is missing')
    }
    if (error instanceof Unwritable) {
      throw new ArgumentError('unusable_argument', operation.name, argument, error.message)
    }
    throw error
  }
}
