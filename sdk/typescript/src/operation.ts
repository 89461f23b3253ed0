/**
 * What an API operation is, and what a call of one may have. Generated modules are made of these.
 *
 * @module
 */

import type { Transport } from './transport.js'

/** How OpenAPI writes an array or an object into a parameter. */
export type ParameterStyle =
  'simple' | 'label' | 'matrix' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject'

/** A parameter in the path, the query, a header or a cookie. */
export interface Parameter {
  /** Where it goes. */
  in: 'path' | 'query' | 'header' | 'cookie'
  /** Its name there. */
  name: string
  /** The name of its argument, where that is another. */
  argument?: string
  /** Default: `simple` in a path and a header, `form` in a query and a cookie. */
  style?: ParameterStyle
  /** Whether each item or member is written for itself. Default: only in style `form`. */
  explode?: boolean
  /** Whether reserved characters stay as they are (query). */
  allowReserved?: boolean
  /** The value is written as JSON. */
  json?: boolean
}

/** How one member of a form is written, where it is not the default. */
export interface MemberEncoding {
  /** Its media type (multipart). */
  contentType?: string
  /** Its style (x-www-form-urlencoded). */
  style?: ParameterStyle
  /** Whether each item or member is written for itself. */
  explode?: boolean
  /** Whether reserved characters stay as they are. */
  allowReserved?: boolean
}

/** The request's body. */
export interface RequestBody {
  /** Its media type. */
  type: string
  /** The name of the argument that is the whole body. Without it, every argument that is no parameter is a member. */
  argument?: string
  /** Argument names of members that are called otherwise in the body. */
  members?: Readonly<Record<string, string>>
  /** A body is sent even without a member. */
  required?: boolean
  /** Members that are not written in the default way. */
  encoding?: Readonly<Record<string, MemberEncoding>>
}

/** One operation of an API. */
export interface Operation {
  /** Its name, as the function is called and as the gateway knows it. */
  name: string
  /** The HTTP method. */
  method: string
  /** The path with `{name}` in place of path parameters. */
  path: string
  /** The server that the operation has for itself. */
  server?: string
  /** Its parameters. */
  parameters?: readonly Parameter[]
  /** Its body. */
  body?: RequestBody
  /** Sets of credentials, one of which is needed; an empty set is no credential. Without any, none is sent. */
  security?: readonly (readonly string[])[]
  /** `any` where another answer than JSON is documented. */
  answer?: 'json' | 'any'
}

/** The arguments of a call, flat. */
export type Arguments = Readonly<Record<string, unknown>>

/** What is known of an answer beside its body. */
export interface AnswerInfo {
  /** The HTTP status. */
  status: number
  /** The headers. */
  headers: Headers
  /** The server's id of the request: of the body's `request_id`, or of the header `X-Request-Id`. */
  requestId: string | undefined
}

/** What a single call may have of its own. */
export interface CallOptions {
  /** Ends the call. */
  signal?: AbortSignal | undefined
  /** Milliseconds for the whole call with its retries; 30,000. */
  timeout?: number | undefined
  /** Headers to send as well. They win over those that the call makes. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Carries this call, instead of what the module is configured for. */
  transport?: Transport | undefined
  /** Is told about the answer of a success; a refusal's error says the same. */
  onAnswer?: ((answer: AnswerInfo) => void) | undefined
}

/** `T` with some members under other names: `Names` says the new name of an old one. */
export type Renamed<T, Names> = { [K in keyof T as K extends keyof Names ? Names[K] & PropertyKey : K]: T[K] }
