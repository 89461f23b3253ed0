/**
 * One function per operation of Countersign's API.
 *
 * ```ts
 * import countersign from '@countersign/sdk'
 *
 * await countersign.apiM2mV1M2mClientsCreate({ scopes: ['read:users'] })
 * ```
 *
 * @module
 */

export { ApiError, ArgumentError, ConnectionError, GatewayError } from './api-error.js'
export { ConfigurationError } from './configuration-error.js'
export type { Secret } from './credential.js'
export { directTransport, type DirectTransportOptions } from './direct-transport.js'
export { gatewayTransport, type GatewayTransportOptions } from './gateway-transport.js'
export * from './generated/index.js'
export { default } from './generated/index.js'
export type { AnswerInfo, CallOptions } from './operation.js'
export type { TokenSource } from './token-source.js'
export type { OperationCall, SendingClock, SendingOptions, Transport } from './transport.js'
