/**
 * JSON in which no object names a member twice.
 *
 * `JSON.parse` takes the last of two members of one name, other readers the first; two readers that choose differently see
 * two tokens (RFC 7515 section 4, RFC 7519 section 4). So the text is walked once before `JSON.parse` may see it.
 */

import { Refusal } from '../refusal.js'

/** Objects and arrays may be nested less deep than this, so that no text exhausts the stack. */
const MAX_DEPTH = 128

const SPACE = /[ \t\n\r]*/y
// Any character but a quote, a backslash and the controls below the space.
const TEXT = /"(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
const LONE_SURROGATE = /\p{Cs}/u

/** For each member that is foreseen, whether a value, given as it stands in the text, is of the right kind. */
export type Members = Readonly<Record<string, (source: string) => boolean>>

/**
 * Reads an object.
 *
 * @throws Refusal `duplicate_member`, or `malformed` for all else, whichever comes first in the text
 */
export function readObject(bytes: Uint8Array, members: Members): Record<string, unknown> {
  let json: string
  try {
    json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new Refusal('malformed')
  }
  const walk = new Walk(json)
  walk.object(members, MAX_DEPTH - 1)
  walk.end()
  return JSON.parse(json) as Record<string, unknown>
}

class Walk {
  #at = 0

  constructor(readonly json: string) {}

  object(members: Members, depth: number): void {
    const seen = new Set<string>()
    this.#expect('{', depth)
    if (this.#take('}')) return
    do {
      const name = this.#text()
      this.#expect(':')
      const foreseen = Object.hasOwn(members, name) ? members[name] : undefined
      if (foreseen && seen.has(name)) throw new Refusal('duplicate_member')
      const source = this.#value(depth)
      if (foreseen && !foreseen(source)) throw new Refusal('malformed')
      if (seen.has(name)) throw new Refusal('duplicate_member')
      seen.add(name)
    } while (this.#take(','))
    this.#expect('}')
  }

  end(): void {
    this.#match(SPACE)
    if (this.#at < this.json.length) throw new Refusal('malformed')
  }

  /** Passes over a value and answers its text. */
  #value(depth: number): string {
    this.#match(SPACE)
    const start = this.#at
    const first = this.json[start]
    if (first === '{') this.object({}, depth - 1)
    else if (first === '[') this.#array(depth - 1)
    else if (first === '"') this.#text()
    else if (!Number.isFinite(Number(this.#match(SCALAR).replace(/^[tfn].*/, '0'))))
      throw new Refusal('malformed')
    return this.json.slice(start, this.#at)
  }

  #array(depth: number): void {
    this.#expect('[', depth)
    if (this.#take(']')) return
    do this.#value(depth)
    while (this.#take(','))
    this.#expect(']')
  }

  #text(): string {
    this.#match(SPACE)
    const source = this.#match(TEXT)
    if (!source.includes('\\')) return source.slice(1, -1)
    const text = JSON.parse(source) as string
    // Only an escape can write half of a pair; the bytes were UTF-8.
    if (LONE_SURROGATE.test(text)) throw new Refusal('malformed')
    return text
  }

  #take(character: string): boolean {
    this.#match(SPACE)
    if (this.json[this.#at] !== character) return false
    this.#at++
    return true
  }

  #expect(character: string, depth = 1): void {
    if (!this.#take(character) || depth <= 0) throw new Refusal('malformed')
  }

  #match(pattern: RegExp): string {
    const start = this.#at
    pattern.lastIndex = start
    if (!pattern.test(this.json)) throw new Refusal('malformed')
    this.#at = pattern.lastIndex
    return this.json.slice(start, this.#at)
  }
}
