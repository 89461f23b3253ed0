/**
 * How OpenAPI writes a value into a path, a query, a header or a cookie (OpenAPI 3.1.1 sections 4.8.12 and Appendix C;
 * RFC 6570 where that leaves it open).
 */

import type { ParameterStyle } from '../operation.js'

/** A value cannot be written in this place; the words say why, without the value. */
export class Unwritable extends Error {}

/** How one parameter is written. */
export interface Writing {
  /** Its name. */
  name: string
  /** Its style. */
  style: ParameterStyle
  /** Each item or member for itself. */
  explode: boolean
  /** Makes text safe for the place. */
  encode: (text: string) => string
}

/** One `name=value`, both encoded. */
export type Pair = readonly [name: string, value: string]

/** Percent-encodes all but the unreserved characters of RFC 3986. */
export function encode(text: string): string {
  if (/[\ud800-\udfff]/u.test(text)) throw new Unwritable('is not well-formed text')
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

/**
 * Leaves reserved characters as they are, except those that would end the value: `#`, `&`, `+`, `[` and `]`. A
 * percent sign is encoded, so that what is written is what is read.
 */
export function encodeReserved(text: string): string {
  return encode(text).replace(/%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B|3D)/g, decodeURIComponent)
}

/** A value for a path segment or a header. */
export function writeText(value: unknown, { name, style, explode, encode }: Writing): string {
  const prefix = style === 'label' ? '.' : style === 'matrix' ? ';' : ''
  const between = explode && prefix ? prefix : ','
  const named = style === 'matrix'
  if (Array.isArray(value)) {
    const items = value.map((item) => encode(scalar(item)))
    if (named && explode) return items.map((item) => `;${encode(name)}=${item}`).join('')
    return `${prefix}${named ? `${encode(name)}=` : ''}${items.join(between)}`
  }
  if (isObject(value)) {
    const members = membersOf(value).map(([key, item]): Pair => [encode(key), encode(scalar(item))])
    if (explode) return prefix + members.map(([key, item]) => `${key}=${item}`).join(between)
    return `${prefix}${named ? `${encode(name)}=` : ''}${members.flat().join(',')}`
  }
  const text = encode(scalar(value))
  if (named) return text === '' ? `;${encode(name)}` : `;${encode(name)}=${text}`
  return prefix + text
}

/** A value for a query, a form or a cookie. An empty array or object is no pair at all. */
export function writePairs(value: unknown, { name, style, explode, encode: text }: Writing): Pair[] {
  const key = encode(name)
  if (style === 'deepObject') return isObject(value) ? deep(name, value, text) : [[key, text(scalar(value))]]
  const delimiter = style === 'spaceDelimited' ? '%20' : style === 'pipeDelimited' ? '%7C' : ','
  if (Array.isArray(value)) {
    const items = value.map((item) => text(scalar(item)))
    if (explode) return items.map((item): Pair => [key, item])
    return items.length ? [[key, items.join(delimiter)]] : []
  }
  if (isObject(value)) {
    const members = membersOf(value).map(([member, item]): Pair => [encode(member), text(scalar(item))])
    if (explode) return members
    return members.length ? [[key, members.flat().join(delimiter)]] : []
  }
  return [[key, text(scalar(value))]]
}

/** `name[member][inner]=value`; an array repeats its name. */
function deep(name: string, value: object, text: (value: string) => string): Pair[] {
  return membersOf(value).flatMap(([member, item]) => {
    const inner = `${name}[${member}]`
    if (isObject(item)) return deep(inner, item, text)
    return (Array.isArray(item) ? item : [item]).map((one): Pair => [encode(inner), text(scalar(one))])
  })
}

/** Text of a value that is one. */
export function scalar(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint')
    return String(value)
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString()
  throw new Unwritable('holds a value that cannot be written as text there')
}

/** Whether it has members: not a date, not bytes. */
export function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function membersOf(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, item]) => item !== undefined && item !== null)
}
