/**
 * What modules made by `@countersign/toolkit` need of this package.
 *
 * @module
 */

export {
  type ApiConfiguration,
  type ApiDescription,
  apiModule,
  type ApiKeyScheme,
  type ApiModule,
  type BasicScheme,
  type BearerScheme,
  type OtherScheme,
  type SecurityScheme,
} from './lib/api-module.js'
export type { Secret } from './credential.js'
export type {
  AnswerInfo,
  Arguments,
  CallOptions,
  MemberEncoding,
  Operation,
  Parameter,
  ParameterStyle,
  Renamed,
  RequestBody,
} from './operation.js'
export type { OperationCall, SendingClock, SendingOptions, Transport } from './transport.js'
