/**
 * Why nothing was generated.
 *
 * - `unreadable`: the file or the URL cannot be read
 * - `not_openapi`: what was read is not an OpenAPI 3.0 or 3.1 document
 * - `external_reference`: the document points outside of itself
 * - `broken_reference`: the document points to a place that it does not have
 * - `invalid_document`: something in the document makes no sense
 * - `foreign_folder`: the folder holds files that are not ours
 * - `usage`: an option makes no sense
 */
export type ToolkitErrorCode =
  | 'unreadable'
  | 'not_openapi'
  | 'external_reference'
  | 'broken_reference'
  | 'invalid_document'
  | 'foreign_folder'
  | 'usage'

/** Nothing was generated, for a reason that the message explains to the person at the keyboard. */
export class ToolkitError extends Error {
  override readonly name: string = 'ToolkitError'

  /**
   * @param code - what happened; never changes its meaning
   * @param message - the same for people
   */
  constructor(
    readonly code: ToolkitErrorCode,
    message: string,
  ) {
    super(message)
  }
}
