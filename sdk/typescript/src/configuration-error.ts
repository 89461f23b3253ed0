/**
 * Something that the caller has to say is missing or makes no sense. It is thrown where the object is made; functions that
 * read the environment late, as those of generated modules do, throw it at their first call.
 *
 * @module
 */

/** A setting is missing or invalid. No value of a setting is ever part of this error, because one may be a secret. */
export class ConfigurationError extends Error {
  /** `ConfigurationError`, also where classes cannot be compared because a package is there twice. */
  override readonly name: string = 'ConfigurationError'

  /**
   * @param code - `missing_configuration` or `invalid_configuration`
   * @param option - the name of the option
   * @param variable - the environment variable that would do instead, if there is one
   * @param fault - what is wrong, in words
   */
  constructor(
    readonly code: 'missing_configuration' | 'invalid_configuration',
    readonly option: string,
    readonly variable: string | undefined,
    fault: string,
  ) {
    super(`"${option}" ${fault}`)
  }
}
