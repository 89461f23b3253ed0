/** Values of a document as TypeScript. Whatever a document holds, it stays a value: nothing of it becomes code. */

/** Single-quoted. JSON escapes all that would end a string; quotes are exchanged. */
export function quoted(text: string): string {
  const inner = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")
  return `'${inner.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`
}

/** A name of a member, quoted where it has to be. `__proto__` would set the prototype, if it were not computed. */
export function key(name: string): string {
  if (name === '__proto__') return "['__proto__']"
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)
}

/** A value of strings, booleans, arrays and objects: on one line if that fits, else member by member. */
export function literal(value: unknown, indent: string, used: number): string {
  const short = oneLine(value)
  if (indent.length + used + short.length <= 108 || typeof value !== 'object' || value === null) return short
  const inner = `${indent}  `
  const entries = Array.isArray(value)
    ? value.map((item) => literal(item, inner, 1))
    : Object.entries(value).map(([name, member]) => {
        return `${key(name)}: ${literal(member, inner, key(name).length + 3)}`
      })
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return `${open}\n${entries.map((entry) => `${inner}${entry},\n`).join('')}${indent}${close}`
}

function oneLine(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const members = Object.entries(value).map(([name, member]) => `${key(name)}: ${oneLine(member)}`)
  return members.length ? `{ ${members.join(', ')} }` : '{}'
}

/** A doc comment. */
export function comment(paragraphs: readonly (string | undefined)[], indent: string = ''): string {
  const text = paragraphs.filter((paragraph) => paragraph !== undefined).join('\n\n')
  // The end of a comment, and what could be read as the start of a line that is none.
  const safe = text.replaceAll('*/', '*\\/').replace(/\r\n?|[\u2028\u2029]/g, '\n')
  const lines = safe.split('\n').map((line) => line.trimEnd())
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map((line) => `${indent} *${line && ` ${line}`}\n`).join('')}${indent} */\n`
}

/** The name, with underscores behind it until nothing else is called so. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  return taken.has(name) ? freeName(`${name}_`, taken) : name
}
