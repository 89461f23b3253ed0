/** Headers that nobody but the caller knows of. */

import { ArgumentError } from '../api-error.js'
import type { OperationCall, SendingOptions } from '../transport.js'
import { Unwritable } from './parameter-style.js'
import { headerText } from './place.js'

/** Adds the headers of the transport and those of the call, the later over the earlier. */
export function addHeaders(headers: Headers, call: OperationCall, options: SendingOptions): void {
  for (const [name, value] of [...Object.entries(options.headers ?? {}), ...Object.entries(call.headers)]) {
    try {
      headers.set(name, headerText(value))
    } catch (error) {
      const fault = error instanceof Unwritable ? error.message : 'is no header'
      throw new ArgumentError('unusable_argument', call.operation.name, name, fault)
    }
  }
}
