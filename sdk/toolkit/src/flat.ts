/**
 * The flat rule: which argument goes where. README.md states it in words; the gateway keeps to it as well.
 *
 * @module
 */

import { isObject, type JsonObject, resolve } from './document.js'

/** Where an argument goes. */
export type Place = 'path' | 'query' | 'header' | 'cookie' | 'body'

/** One argument before it has its name. */
export interface Slot {
  /** Where it goes. */
  place: Place
  /** Its name there; a whole body's is `body`. */
  name: string
}

/**
 * The names of the arguments, in the order of the slots.
 *
 * A name that is used in more than one place gets the place in front, in each. So does a name that equals one made by
 * this: it is repeated until all differ. It ends, because two names with places in front never are equal.
 */
export function argumentNames(slots: readonly Slot[]): string[] {
  const prefixed = new Set<Slot>()
  const named = (slot: Slot): string => (prefixed.has(slot) ? `${slot.place}_${slot.name}` : slot.name)
  for (let before = -1; before !== prefixed.size;) {
    before = prefixed.size
    const byName = new Map<string, Slot[]>()
    for (const slot of slots) byName.set(named(slot), [...(byName.get(named(slot)) ?? []), slot])
    for (const same of byName.values()) {
      if (same.length > 1) same.forEach((slot) => prefixed.add(slot))
    }
  }
  return slots.map(named)
}

/** The members of a body that is spread over the arguments, and which of them are required. */
export type BodyMembers = ReadonlyMap<string, { required: boolean }>

/**
 * The members of a body whose names are all known: an object with properties, or an `allOf` of such. `undefined` for
 * any other body, which is one argument as a whole: a choice (`oneOf`, `anyOf`), a map, an array, a scalar, anything.
 * An object whose `properties` are there and empty is one without members; one that has none may hold anything.
 */
export function bodyMembers(root: JsonObject, schema: unknown): BodyMembers | undefined {
  return declaresProperties(root, schema, new Set()) ? collect(root, schema, new Map()) : undefined
}

/** `seen` are those looked at: what any of them declares is found where it was first met. */
function declaresProperties(root: JsonObject, schema: unknown, seen: Set<unknown>): boolean {
  const meant = resolve(root, schema)
  if (!isObject(meant) || seen.has(meant)) return false
  seen.add(meant)
  if (isObject(meant['properties'])) return true
  const parts = Array.isArray(meant['allOf']) ? meant['allOf'] : []
  return parts.some((part) => declaresProperties(root, part, seen))
}

/**
 * `known` holds the members of what was collected, so that no part is walked twice: parts that name their parts twice
 * would take twice as long at each depth. What is being collected is known as nothing, and so are those that contain it.
 */
function collect(
  root: JsonObject,
  schema: unknown,
  known: Map<unknown, BodyMembers | undefined>,
): BodyMembers | undefined {
  const meant = resolve(root, schema)
  if (!isObject(meant)) return undefined
  if (!known.has(meant)) {
    known.set(meant, undefined)
    known.set(meant, members(root, meant, known))
  }
  return known.get(meant)
}

function members(
  root: JsonObject,
  meant: JsonObject,
  known: Map<unknown, BodyMembers | undefined>,
): BodyMembers | undefined {
  if (meant['oneOf'] !== undefined || meant['anyOf'] !== undefined) return undefined
  const types = [meant['type'] ?? 'object'].flat().filter((type) => type !== 'null')
  if (types.length !== 1 || types[0] !== 'object') return undefined
  // A member with a name of the caller's choice could be taken for a parameter.
  if ((meant['additionalProperties'] ?? false) !== false || meant['patternProperties'] !== undefined)
    return undefined

  const members = new Map<string, { required: boolean }>()
  const parts = Array.isArray(meant['allOf']) ? meant['allOf'] : []
  for (const part of parts) {
    const inherited = collect(root, part, known)
    if (!inherited) return undefined
    for (const [name, { required }] of inherited) add(members, name, required)
  }
  const properties = isObject(meant['properties']) ? Object.keys(meant['properties']) : []
  for (const name of properties) add(members, name, false)
  const required = Array.isArray(meant['required']) ? meant['required'] : []
  for (const name of required) if (members.has(name as string)) add(members, name as string, true)
  return members
}

function add(members: Map<string, { required: boolean }>, name: string, required: boolean): void {
  members.set(name, { required: required || (members.get(name)?.required ?? false) })
}
