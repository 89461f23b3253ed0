/** The files that put a module together. */

import { comment, quoted } from './literal.js'
import type { ModuleNames } from './names.js'

/** Prints `bound.ts`. */
export function printBound({ configuration, create, bound }: ModuleNames, runtime: string): string {
  return (
    `import type { Transport } from ${quoted(runtime)}\n` +
    `import { api, type ${configuration} } from './api.js'\nimport * as operations from './operations.js'\n\n` +
    comment(['All operations, with a configuration of their own.']) +
    `export type ${bound} = typeof operations\n\n` +
    comment([
      'All operations with a configuration or a transport of their own. It brings them all into a bundle, so it stands alone.',
    ]) +
    `export const ${create} = (configuration: ${configuration} | Transport = {}): ${bound} =>\n` +
    `  api.bind(operations, configuration)\n`
  )
}

/** Prints `module.ts`: what the default export has. */
export function printModule({ configure, create }: ModuleNames): string {
  return (
    `export { ${configure} } from './api.js'\nexport { ${create} } from './bound.js'\n` +
    `export * from './operations.js'\n`
  )
}

/** Prints `index.ts`. */
export function printIndex({ configuration, bound }: ModuleNames): string {
  return (
    `export type { ${configuration} } from './api.js'\nexport type { ${bound} } from './bound.js'\n` +
    `export * from './module.js'\nexport * as default from './module.js'\nexport type * from './types.gen.js'\n`
  )
}
