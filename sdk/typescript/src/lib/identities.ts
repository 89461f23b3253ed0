/** Whom the middlewares let in, by request. Beside the requests and not in them, so that nobody else can write it. */

import type { Identity } from '../identity.js'

const identities = new WeakMap<object, Identity>()

/** Keeps whom a middleware let in. */
export function remember(request: object, identity: Identity): void {
  identities.set(request, identity)
}

/** Whom a middleware let in. */
export function rememberedIdentity(request: object): Identity | undefined {
  return identities.get(request)
}
