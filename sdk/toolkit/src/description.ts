/**
 * What the runtime is told of an API. These are the types of `@countersign/sdk/api`, said again because this package
 * does not depend on the one that it generates for; a test compares them.
 *
 * @module
 */

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
  /** Default: only in style `form`. */
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
  /** The name of the argument that is the whole body. */
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
  /** Its name. */
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
  /** Sets of credentials, one of which is needed. */
  security?: readonly (readonly string[])[]
  /** `any` where another answer than JSON is documented. */
  answer?: 'json' | 'any'
}

/** A security scheme, and the settings that it takes its credentials from. */
export type SecurityScheme =
  | { type: 'basic'; username: string; password: string }
  | { type: 'bearer'; token: string }
  | { type: 'apiKey'; in: 'header' | 'query' | 'cookie'; name: string; key: string }
  | { type: 'connection' | 'unknown' }
