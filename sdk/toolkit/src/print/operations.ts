/** The file with one function per operation. */

import type { ArgumentPart, OperationModel, Renaming } from '../operations.js'
import { comment, key, literal, quoted } from './literal.js'
import type { ModuleNames } from './names.js'

/** Prints `operations.ts`. */
export function printOperations(
  models: readonly OperationModel[],
  names: ModuleNames,
  runtime: string,
): string {
  const blocks = models.map((model) => printArguments(model, names) + printFunction(model, names))
  const used = ['CallOptions', ...(blocks.some((block) => block.includes('Renamed<')) ? ['Renamed'] : [])]
  const types = `import type { ${used.join(', ')} } from ${quoted(runtime)}\n`
  const api = names.api === 'api' ? 'api' : `api as ${names.api}`
  const local = `import { ${api} } from './api.js'\nimport type * as Types from './types.gen.js'\n`
  return `${types}${local}\n${blocks.join('\n')}`
}

function printFunction(model: OperationModel, names: ModuleNames): string {
  const { summary, description, deprecated, operation, optional } = model
  const { name, response } = model.names
  const doc = comment([
    summary,
    description === summary ? undefined : description,
    `\`${operation.method} ${operation.path}\``,
    deprecated ? '@deprecated by the document.' : undefined,
  ])
  const args = `args${optional ? '?' : ''}: ${names.arguments.get(name)}`
  const result = response === undefined ? 'unknown' : `Types.${response}`
  return (
    `${doc}export const ${name} = (\n  ${args},\n  options?: CallOptions,\n): Promise<${result}> =>\n` +
    `  ${names.api}.call(\n    ${literal(operation, '    ', 1)},\n    args,\n    options,\n  )\n`
  )
}

function printArguments(model: OperationModel, names: ModuleNames): string {
  const { name, data } = model.names
  const parts = model.parts.map((part) => printPart(part, data))
  const type = parts.length ? parts.join(' &\n  ') : 'Record<string, never>'
  const head = `export type ${names.arguments.get(name)} =`
  const line = parts.length > 1 ? `${head}\n  ${type}` : `${head} ${type}`
  return `${comment([`The arguments of \`${name}\`.`])}${line}\n\n`
}

function printPart(part: ArgumentPart, data: string): string {
  switch (part.kind) {
    case 'group': {
      const group = `NonNullable<Types.${data}['${part.group}']>`
      const omitted = part.omitted.map(quoted).join(' | ')
      return renamed(omitted ? `Omit<${group}, ${omitted}>` : group, part.renamed)
    }
    case 'members': {
      const members = renamed(`NonNullable<Types.${data}['body']>`, part.renamed)
      return part.partial ? `Partial<${members}>` : members
    }
    case 'body':
      return `{ ${key(part.argument)}${part.required ? '' : '?'}: NonNullable<Types.${data}['body']> }`
    case 'cookie':
      return `{ ${key(part.argument)}${part.required ? '' : '?'}: unknown }`
  }
}

function renamed(type: string, names: Renaming): string {
  if (names.length === 0) return type
  const members = names.map(([original, argument]) => `${key(original)}: ${quoted(argument)}`)
  return `Renamed<${type}, { ${members.join('; ')} }>`
}
