/**
 * Makes a typed TypeScript module from any OpenAPI document.
 *
 * @module
 */

export { checkOpenApi, type JsonObject, type OpenApiDocument, parseOpenApi, readOpenApi } from './document.js'
export {
  generate,
  type Generated,
  generateModule,
  type GenerateOptions,
  type ModuleOptions,
} from './generate.js'
export type { SchemeSettings } from './security.js'
export { ToolkitError, type ToolkitErrorCode } from './toolkit-error.js'
