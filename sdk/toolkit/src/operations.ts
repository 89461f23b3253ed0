/**
 * From an operation of the document to what is printed of it.
 *
 * @module
 */

import type { Operation, Parameter, RequestBody } from './description.js'
import { isObject, type JsonObject, resolve } from './document.js'
import { argumentNames, bodyMembers, type BodyMembers, type Slot } from './flat.js'
import type { OperationNames } from './hey-api.js'
import { serverUrl } from './servers.js'
import { ToolkitError } from './toolkit-error.js'

/** One operation as it is printed. */
export interface OperationModel {
  /** What hey-api calls it. */
  names: OperationNames
  /** What it says of itself. */
  summary: string | undefined
  /** The same at length. */
  description: string | undefined
  /** Whether it should not be used any more. */
  deprecated: boolean
  /** What the runtime is told. */
  operation: Operation
  /** The parts of the type of its arguments. */
  parts: ArgumentPart[]
  /** Whether it can be called without arguments. */
  optional: boolean
}

/** A group of arguments, as a part of their type. */
export type ArgumentPart =
  /** Those of a group of hey-api's type, some under other names, some left out. */
  | { kind: 'group'; group: 'path' | 'query' | 'headers'; renamed: Renaming; omitted: string[] }
  /** The body's members. `partial`: the body may be left out. */
  | { kind: 'members'; renamed: Renaming; partial: boolean }
  /** The body as a whole. */
  | { kind: 'body'; argument: string; required: boolean }
  /** A cookie: hey-api has no type for it. */
  | { kind: 'cookie'; argument: string; required: boolean }

/** Original names and the arguments that stand for them. */
export type Renaming = readonly (readonly [original: string, argument: string])[]

/** Headers that OpenAPI keeps out of parameters: the transport's business. */
const NOT_PARAMETERS = ['accept', 'content-type', 'authorization']

/** JSON as hey-api knows it: its types are of the body that we send. */
const JSON_TYPE = /^application\/(?:.*\+)?json(?:;.*)?$/i

/** Where the document stands. */
export interface ReadingContext {
  /** The document. */
  root: JsonObject
  /** Its first server, if it has one. */
  server: string | undefined
  /** Its URL, if it has one. */
  url: string | undefined
  /** Security schemes that are never used. */
  ignoredSchemes: ReadonlySet<string>
}

/** Reads one operation. */
export function readOperation(context: ReadingContext, names: OperationNames): OperationModel {
  const { root } = context
  const item = objectAt(root, (root['paths'] as JsonObject)[names.path], names)
  const source = objectAt(root, item[names.method], names)
  const parameters = readParameters(root, item, source, names)
  const body = readBody(root, source, names)

  const slots: Slot[] = parameters.map(({ parameter: { in: place, name } }) => ({ place, name }))
  const memberNames = body?.members ? [...body.members.keys()] : []
  if (body)
    slots.push(...(body.members ? memberNames : ['body']).map((name): Slot => ({ place: 'body', name })))
  const argumentsOf = argumentNames(slots)
  const renamedParameters = parameters.map((one, index) => ({
    ...one,
    argument: argumentsOf[index] as string,
  }))
  const bodyNames = argumentsOf.slice(parameters.length)

  const parts = [...parameterParts(renamedParameters), ...bodyPart(body, memberNames, bodyNames)]
  return {
    names,
    summary: text(source['summary']),
    description: text(source['description']),
    deprecated: source['deprecated'] === true,
    operation: {
      name: names.name,
      method: names.method.toUpperCase(),
      path: names.path,
      ...ownServer(context, item, source),
      ...(parameters.length ? { parameters: renamedParameters.map(described) } : {}),
      ...(body ? { body: describedBody(body, memberNames, bodyNames) } : {}),
      ...security(context, source),
      ...(answersJson(root, source) ? {} : { answer: 'any' as const }),
    },
    parts,
    optional: !parameters.some(({ required }) => required) && !isBodyNeeded(body),
  }
}

interface ReadParameter {
  parameter: Parameter
  required: boolean
}

interface NamedParameter extends ReadParameter {
  argument: string
}

function readParameters(
  root: JsonObject,
  item: JsonObject,
  source: JsonObject,
  names: OperationNames,
): ReadParameter[] {
  const found = new Map<string, ReadParameter>()
  // Those of the operation take the place of those of its path.
  for (const given of [...list(item['parameters']), ...list(source['parameters'])]) {
    const one = objectAt(root, given, names)
    const name = one['name']
    const place = one['in']
    if (typeof name !== 'string' || !isPlace(place))
      throw invalid(names, 'has a parameter without name and place')
    if (place === 'header' && NOT_PARAMETERS.includes(name.toLowerCase())) continue
    if (place === 'path' && !names.path.includes(`{${name}}`)) continue
    found.set(`${place} ${name}`, {
      parameter: { in: place, name, ...parameterStyle(one, place) },
      required: one['required'] === true || place === 'path',
    })
  }
  const missing = [...names.path.matchAll(/\{([^{}]*)\}/g)].find(([, name]) => !found.has(`path ${name}`))
  if (missing) throw invalid(names, `does not describe the parameter ${missing[0]} of its path`)
  // In the order of the arguments' places, which is hey-api's too.
  const order = ['path', 'query', 'header', 'cookie']
  return [...found.values()].sort((a, b) => order.indexOf(a.parameter.in) - order.indexOf(b.parameter.in))
}

function isPlace(place: unknown): place is Parameter['in'] {
  return place === 'path' || place === 'query' || place === 'header' || place === 'cookie'
}

const STYLES = ['simple', 'label', 'matrix', 'form', 'spaceDelimited', 'pipeDelimited', 'deepObject'] as const

function parameterStyle(source: JsonObject, place: Parameter['in']): Partial<Parameter> {
  if (isObject(source['content'])) return { json: true }
  const usual = place === 'path' || place === 'header' ? 'simple' : 'form'
  const style = STYLES.find((known) => known === source['style']) ?? usual
  const explode = source['explode']
  return {
    ...(style === usual ? {} : { style }),
    ...(typeof explode === 'boolean' && explode !== (style === 'form') ? { explode } : {}),
    ...(source['allowReserved'] === true && place === 'query' ? { allowReserved: true } : {}),
  }
}

interface ReadBody {
  type: string
  required: boolean
  members: BodyMembers | undefined
  encoding: NonNullable<RequestBody['encoding']>
}

function readBody(root: JsonObject, source: JsonObject, names: OperationNames): ReadBody | undefined {
  if (source['requestBody'] === undefined) return undefined
  const given = objectAt(root, source['requestBody'], names)
  const content = isObject(given['content']) ? given['content'] : {}
  const types = Object.keys(content)
  const type = types.find((known) => JSON_TYPE.test(known)) ?? types[0]
  if (type === undefined) return undefined
  const media = isObject(content[type]) ? content[type] : {}
  const isSpread =
    JSON_TYPE.test(type) || /^(?:application\/x-www-form-urlencoded|multipart\/form-data)\b/i.test(type)
  return {
    type,
    required: given['required'] === true,
    members: isSpread ? bodyMembers(root, media['schema']) : undefined,
    encoding: JSON_TYPE.test(type) ? {} : readEncoding(media['encoding']),
  }
}

function readEncoding(source: unknown): ReadBody['encoding'] {
  const encoding: Record<string, NonNullable<RequestBody['encoding']>[string]> = {}
  for (const [name, given] of Object.entries(isObject(source) ? source : {})) {
    if (!isObject(given)) continue
    const style = STYLES.find((known) => known === given['style'])
    // Several types are a choice of the sender's; ours is by the value.
    const type = text(given['contentType'])
    const one = {
      ...(type && !/[,*]/.test(type) ? { contentType: type } : {}),
      ...(style ? { style } : {}),
      ...(typeof given['explode'] === 'boolean' ? { explode: given['explode'] } : {}),
      ...(given['allowReserved'] === true ? { allowReserved: true } : {}),
    }
    if (Object.keys(one).length) encoding[name] = one
  }
  return encoding
}

function isBodyNeeded(body: ReadBody | undefined): boolean {
  if (!body?.required) return false
  return !body.members || [...body.members.values()].some(({ required }) => required)
}

function parameterParts(parameters: NamedParameter[]): ArgumentPart[] {
  const parts: ArgumentPart[] = []
  for (const [place, group] of [
    ['path', 'path'],
    ['query', 'query'],
    ['header', 'headers'],
  ] as const) {
    const here = parameters.filter(({ parameter }) => parameter.in === place)
    const renamed = here.map(({ parameter, argument }) => [parameter.name, argument] as const)
    if (here.length)
      parts.push({
        kind: 'group',
        group,
        renamed: changed(renamed),
        omitted: place === 'header' ? ['Accept', 'Content-Type', 'Authorization'] : [],
      })
  }
  for (const { parameter, argument, required } of parameters) {
    if (parameter.in === 'cookie') parts.push({ kind: 'cookie', argument, required })
  }
  return parts
}

function bodyPart(body: ReadBody | undefined, members: string[], names: string[]): ArgumentPart[] {
  if (!body) return []
  if (!body.members) return [{ kind: 'body', argument: names[0] as string, required: body.required }]
  // For an object without members hey-api's type takes any, parameters too.
  if (members.length === 0) return []
  const renamed = members.map((member, index) => [member, names[index] as string] as const)
  return [{ kind: 'members', renamed: changed(renamed), partial: !body.required }]
}

function changed(names: Renaming): Renaming {
  return names.filter(([original, argument]) => original !== argument)
}

function described({ parameter, argument }: NamedParameter): Parameter {
  const { in: place, name, ...rest } = parameter
  return { in: place, name, ...(argument === name ? {} : { argument }), ...rest }
}

function describedBody(body: ReadBody, members: string[], names: string[]): RequestBody {
  const renamed = changed(members.map((member, index) => [member, names[index] as string]))
  return {
    type: body.type,
    ...(body.members ? {} : { argument: names[0] as string }),
    ...(body.members && renamed.length
      ? { members: Object.fromEntries(renamed.map(([member, argument]) => [argument, member])) }
      : {}),
    ...(body.required ? { required: true } : {}),
    ...(Object.keys(body.encoding).length ? { encoding: body.encoding } : {}),
  }
}

function ownServer(context: ReadingContext, item: JsonObject, source: JsonObject): { server?: string } {
  const [given] = [...list(source['servers']), ...list(item['servers'])]
  const server = given === undefined ? undefined : serverUrl(given, context.url ?? context.server)
  return server === undefined || server === context.server ? {} : { server }
}

function security(context: ReadingContext, source: JsonObject): { security?: string[][] } {
  const sets = list(source['security'] ?? context.root['security']).map((set) =>
    isObject(set) ? Object.keys(set) : [],
  )
  const kept = sets.filter((schemes) => !schemes.some((scheme) => context.ignoredSchemes.has(scheme)))
  const used = kept.length ? kept : sets
  return used.some((schemes) => schemes.length) ? { security: used } : {}
}

/** Whether every documented success is JSON or nothing. */
function answersJson(root: JsonObject, source: JsonObject): boolean {
  const responses = isObject(source['responses']) ? source['responses'] : {}
  const successes = Object.keys(responses).filter((status) => /^2/.test(status))
  const types = (successes.length ? successes : ['default']).flatMap((status) => {
    const response = resolve(root, responses[status])
    return isObject(response) && isObject(response['content']) ? Object.keys(response['content']) : []
  })
  return types.length > 0 && types.every((type) => JSON_TYPE.test(type))
}

function objectAt(root: JsonObject, value: unknown, names: OperationNames): JsonObject {
  const meant = resolve(root, value)
  if (!isObject(meant)) throw invalid(names, 'is not described as OpenAPI has it')
  return meant
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined
}

function invalid({ method, path }: OperationNames, fault: string): ToolkitError {
  return new ToolkitError('invalid_document', `${method.toUpperCase()} ${path} ${fault}`)
}
