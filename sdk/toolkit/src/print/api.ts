/** The file that knows how to reach the API. */

import type { SecurityScheme } from '../description.js'
import { settingsOf, variable } from '../security.js'
import { comment, key, literal, quoted } from './literal.js'
import type { ModuleNames } from './names.js'

/** What is known of an API as a whole. */
export interface ApiModel {
  /** Its name at the gateway. */
  provider: string
  /** What environment variables begin with. */
  prefix: string
  /** Its servers. */
  servers: readonly string[]
  /** Its security schemes. */
  security: Readonly<Record<string, SecurityScheme>>
}

/** Prints `api.ts`. */
export function printApi(api: ApiModel, names: ModuleNames, runtime: string): string {
  const { configuration, configure } = names
  const settings = new Map(
    Object.values(api.security)
      .flatMap(settingsOf)
      .map(({ setting, meaning }) => [setting, meaning]),
  )
  const members = [...settings].map(
    ([setting, meaning]) =>
      comment([`${meaning}; else \`${variable(api.prefix, setting)}\`.`], '  ') +
      `  ${key(setting)}?: Secret | undefined\n`,
  )
  const secret = settings.size ? ', type Secret' : ''
  const body = settings.size ? `{\n${members.join('')}}` : '{}'
  return (
    `import { type ApiConfiguration, apiModule, type ApiModule${secret} } from ${quoted(runtime)}\n\n` +
    comment([
      `How calls reach the API. What is not given is read from the environment, \`${api.prefix}_URL\` for \`url\`.`,
    ]) +
    `export type ${configuration} = ApiConfiguration & ${body}\n\n` +
    comment(['The way to the API.']) +
    `export const api: ApiModule<${configuration}> = /* @__PURE__ */ apiModule(${literal(api, '', 80)})\n\n` +
    comment(['Says how to reach the API, for all calls from now on that bring no transport of their own.']) +
    `export const ${configure} = (configuration: ${configuration}): void => api.configure(configuration)\n`
  )
}
