/** How a generated module finds its way to the API: what was given by `configure()`, else the environment. */

import { ConfigurationError } from '../configuration-error.js'
import { apiKey, basic, bearer, type Credential, type Secret } from '../credential.js'
import { directTransport } from '../direct-transport.js'
import { gatewayTransport } from '../gateway-transport.js'
import { environment, setting } from './settings.js'
import { callOperation } from './call-operation.js'
import type { Arguments, CallOptions, Operation } from '../operation.js'
import { type TokenSource, tokenSource } from '../token-source.js'
import type { SendingOptions, Transport } from '../transport.js'

/** HTTP Basic. */
export interface BasicScheme {
  /** Tells the schemes apart. */
  type: 'basic'
  /** The setting that has the name. */
  username: string
  /** The setting that has the password. */
  password: string
}

/** A bearer token, wherever it comes from. */
export interface BearerScheme {
  /** Tells the schemes apart. */
  type: 'bearer'
  /** The setting that has the token. */
  token: string
}

/** An API key. */
export interface ApiKeyScheme {
  /** Tells the schemes apart. */
  type: 'apiKey'
  /** Where it goes. */
  in: 'header' | 'query' | 'cookie'
  /** Its name there. */
  name: string
  /** The setting that has the key. */
  key: string
}

/** A scheme without settings. */
export interface OtherScheme {
  /**
   * `connection`: proved by the connection, such as mutual TLS. `unknown`: not known here; an operation that needs it
   * wants a transport of its own.
   */
  type: 'connection' | 'unknown'
}

/** A security scheme, and the settings that it takes its credentials from. */
export type SecurityScheme = BasicScheme | BearerScheme | ApiKeyScheme | OtherScheme

/** What a generated module knows of its API. */
export interface ApiDescription {
  /** The name of the provider at the gateway. */
  provider: string
  /** What the environment variables begin with. */
  prefix: string
  /** The API's servers; the first is used. */
  servers: readonly string[]
  /** The security schemes by name. */
  security: Readonly<Record<string, SecurityScheme>>
}

/** What every generated module can be told. What is not given is read from the environment. */
export interface ApiConfiguration extends SendingOptions {
  /** Carries every call, instead of all that follows. */
  transport?: Transport | undefined
  /** The API's base URL; else the environment, else the first server of its document. */
  url?: string | undefined
  /** Where operations go that have a server of their own, when `url` is given; by that server. */
  servers?: Readonly<Record<string, string>> | undefined
  /** The gateway's base URL, to go through it; else `COUNTERSIGN_GATEWAY_URL`. */
  gatewayUrl?: string | undefined
  /** The API's name at the gateway. */
  provider?: string | undefined
  /**
   * What gives out tokens for the gateway; else one is made of `COUNTERSIGN_URL`, `COUNTERSIGN_PROJECT_ID`,
   * `COUNTERSIGN_CLIENT_ID` and `COUNTERSIGN_CLIENT_SECRET`.
   */
  tokenSource?: TokenSource | undefined
  /** Milliseconds for a whole call with its retries; 30,000. */
  timeout?: number | undefined
}

/** The way of one module to its API. Its settings can be changed and used, never read. */
export interface ApiModule<Configuration extends ApiConfiguration> {
  /** Says how to reach the API, from now on and instead of what was said before. */
  configure: (configuration: Configuration) => void
  /** Calls an operation. */
  call: <Result>(
    operation: Operation,
    args: Arguments | undefined,
    options: CallOptions | undefined,
  ) => Promise<Result>
  /** The operations with a configuration or a transport of their own. */
  bind: <Operations extends object>(
    operations: Operations,
    configuration: Configuration | Transport,
  ) => Operations
}

/** Makes the way of a module to its API. */
export function apiModule<Configuration extends ApiConfiguration>(
  description: ApiDescription,
): ApiModule<Configuration> {
  let settings = new Settings(description, {})
  return {
    configure: (configuration) => {
      settings = new Settings(description, configuration)
    },
    call: async (operation, args = {}, options = {}) =>
      await callOperation(options.transport ?? settings.transport(), operation, args, {
        ...options,
        timeout: options.timeout ?? settings.timeout,
      }),
    bind: (operations, configuration) => {
      const own = new Settings(
        description,
        typeof configuration === 'function' ? { transport: configuration } : configuration,
      )
      const transport: Transport = async (call) => await own.transport()(call)
      const bound = Object.entries(operations as Record<string, BoundOperation>).map(([name, operation]) => {
        const call: BoundOperation = async (args, options) =>
          await operation(args, { transport, timeout: own.timeout, ...options })
        return [name, call]
      })
      return Object.fromEntries(bound)
    },
  }
}

type BoundOperation = (args?: Arguments, options?: CallOptions) => Promise<unknown>

/** One configuration. Private members, because what holds a secret is not to be printed. */
class Settings {
  readonly #description: ApiDescription
  readonly #given: ApiConfiguration & Readonly<Record<string, unknown>>
  #tokens: TokenSource | undefined

  constructor(description: ApiDescription, given: ApiConfiguration) {
    this.#description = description
    this.#given = { ...given }
  }

  get timeout(): number | undefined {
    return this.#given.timeout
  }

  /** Made for each call, so that the environment of this moment counts: some runtimes fill it late. */
  transport(): Transport {
    const given = this.#given
    if (given.transport) return given.transport
    const gatewayUrl =
      given.gatewayUrl ?? (this.#isDirect() ? undefined : environment('COUNTERSIGN_GATEWAY_URL'))
    return gatewayUrl || given.tokenSource ? this.#gateway(gatewayUrl) : this.#direct()
  }

  /** Whoever gives a place or a credential of the API itself wants to go there: arguments win over environment. */
  #isDirect(): boolean {
    const { url, tokenSource } = this.#given
    return !tokenSource && (url !== undefined || this.#keys().some((key) => this.#given[key] !== undefined))
  }

  #keys(): string[] {
    return Object.values(this.#description.security).flatMap((scheme) => settingsOf(scheme))
  }

  #gateway(gatewayUrl: string | undefined): Transport {
    this.#tokens ??= this.#given.tokenSource ?? gatewayTokens(this.#given)
    return gatewayTransport({
      ...this.#sending(),
      gatewayUrl: setting('gatewayUrl', 'COUNTERSIGN_GATEWAY_URL', gatewayUrl),
      provider: this.#given.provider ?? this.#description.provider,
      tokenSource: this.#tokens,
    })
  }

  #direct(): Transport {
    const { prefix, servers, security } = this.#description
    const chosen = this.#given.url ?? environment(`${prefix}_URL`)
    return directTransport({
      ...this.#sending(),
      url: setting('url', `${prefix}_URL`, chosen ?? servers[0]),
      servers: this.#given.servers,
      ownServers: !chosen,
      credentials: Object.fromEntries(
        Object.entries(security).map(([name, scheme]) => [name, this.#credential(scheme)]),
      ),
      missing: (scheme) => this.#missing(scheme),
    })
  }

  #sending(): SendingOptions {
    const { fetch, retries, headers, clock } = this.#given
    return { fetch, retries, headers, clock }
  }

  #credential(scheme: SecurityScheme): Credential | undefined {
    const [first, second] = settingsOf(scheme).map((key) => this.#secret(key))
    switch (scheme.type) {
      case 'basic':
        return first && second ? basic(first, second) : undefined
      case 'bearer':
        return first ? bearer(first) : undefined
      case 'apiKey':
        return first ? apiKey(scheme.in, scheme.name, first) : undefined
      case 'connection':
        return async () => {}
      case 'unknown':
        return undefined
    }
  }

  #secret(key: string): Secret | undefined {
    return ((this.#given[key] as Secret | undefined) ?? environment(this.#variable(key))) || undefined
  }

  #variable(key: string): string {
    return `${this.#description.prefix}_${key.replace(/(?<=[a-z0-9])[A-Z]/g, '_$&').toUpperCase()}`
  }

  #missing(name: string): ConfigurationError {
    const scheme = this.#description.security[name]
    const key = scheme && settingsOf(scheme).find((key) => !this.#secret(key))
    if (key === undefined) {
      const fault = `is needed: the security scheme "${name}" is not known here`
      return new ConfigurationError('missing_configuration', 'transport', undefined, fault)
    }
    const variable = this.#variable(key)
    return new ConfigurationError(
      'missing_configuration',
      key,
      variable,
      `is missing; ${variable} may say it too`,
    )
  }
}

/** The names of the settings that a scheme needs. */
function settingsOf(scheme: SecurityScheme): string[] {
  if (scheme.type === 'basic') return [scheme.username, scheme.password]
  if (scheme.type === 'bearer') return [scheme.token]
  return scheme.type === 'apiKey' ? [scheme.key] : []
}

/** Tokens for the gateway, from the environment. */
function gatewayTokens({ fetch }: ApiConfiguration): TokenSource {
  const url = setting('tokenSource', 'COUNTERSIGN_URL', undefined)
  // What a token for the gateway names as its audience is the server's to say, wherever the gateway stands.
  return tokenSource({ resource: `${url.replace(/\/+$/, '')}/gateway`, fetch })
}
