/** Names of our own in a module. hey-api's come first: where one is taken, ours gets an underscore behind it. */

import type { OperationModel } from '../operations.js'
import { freeName } from './literal.js'

/** What the things are called that hey-api does not know. */
export interface ModuleNames {
  /** The way to the API. */
  api: string
  /** Says how to reach the API. */
  configure: string
  /** Binds all operations to a configuration. */
  create: string
  /** The type of what `configure` takes. */
  configuration: string
  /** The type of what `create` makes. */
  bound: string
  /** The type of the arguments of each function. */
  arguments: ReadonlyMap<string, string>
}

/** Chooses the names. */
export function chooseNames(models: readonly OperationModel[], typesFile: string): ModuleNames {
  const functions = new Set(models.map(({ names }) => names.name))
  const exported = typesFile.matchAll(
    /^export (?:declare )?(?:type|interface|const|enum|class) ([\p{ID_Continue}$]+)/gmu,
  )
  const types = new Set([...exported].map(([, name]) => name as string))
  const name = (base: string): string => {
    const free = freeName(base, types)
    types.add(free)
    return free
  }
  const args = models.map(
    ({ names }) => [names.name, name(`${names.data.replace(/Data$/, '')}Arguments`)] as const,
  )
  return {
    api: freeName('api', new Set([...functions, 'args', 'options'])),
    configure: freeName('configure', functions),
    create: freeName('create', functions),
    configuration: name('Configuration'),
    bound: name('Bound'),
    arguments: new Map(args),
  }
}
