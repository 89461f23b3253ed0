/**
 * The command line.
 *
 * @module
 */

import { parseArgs } from 'node:util'
import { generate } from './generate.js'
import { ToolkitError } from './toolkit-error.js'

const HELP = `Makes a typed TypeScript module from any OpenAPI 3.0 or 3.1 document.

Usage: countersign-toolkit generate <file or URL> --out <folder> [--name <name>] [--force]

  --out <folder>  where to write; it is new, empty, or of an earlier run
  --name <name>   the API's name at the gateway and, in capitals, before its environment
                  variables; else the name of the folder
  --force         write into a folder that holds other files
  --help          show this
`

/** Where words go. */
export interface Output {
  /** The standard output. */
  out: (text: string) => unknown
  /** The standard error. */
  error: (text: string) => unknown
}

/** Does what the arguments say. Answers the exit status: 0 done, 1 not done, 2 not understood. */
export async function run(args: readonly string[], { out, error }: Output): Promise<number> {
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        name: { type: 'string' },
        force: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (fault) {
    return refuse((fault as Error).message, error)
  }
  const { values, positionals } = parsed
  if (values.help) {
    out(HELP)
    return 0
  }
  const [verb, input, ...more] = positionals
  if (verb !== 'generate' || input === undefined || more.length || !values.out)
    return refuse('not understood', error)
  try {
    const { operations } = await generate({ input, out: values.out, name: values.name, force: values.force })
    out(`${values.out}: ${operations.length} operations\n`)
    return 0
  } catch (fault) {
    if (!(fault instanceof ToolkitError)) throw fault
    error(`error: ${fault.message}\n`)
    return 1
  }
}

function refuse(fault: string, error: Output['error']): number {
  error(`error: ${fault}\n\n${HELP}`)
  return 2
}
