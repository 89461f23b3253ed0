/**
 * When one scope does for another.
 *
 * @module
 */

/**
 * Whether the scopes held satisfy the one scope needed.
 *
 * A scope is `action:resource`; everything after the first colon is the resource. A held scope does when its action
 * is the needed one and its resource is the needed one or `*`. `*` as an action is only a literal, and so is a `*` in a
 * longer resource. A scope without colon has the resource `-`, so that `read` is satisfied by `read`, `read:-` and
 * `read:*`.
 *
 * An empty `needed`, or one with a space in it, is no scope and satisfied by nothing: a caller that lost its
 * requirement must not let everyone in.
 *
 * @example
 * ```ts
 * import { satisfies } from '@countersign/sdk/scopes'
 *
 * console.log(satisfies(['read:*'], 'read:users')) // true
 * console.log(satisfies(['read:users'], 'write:users')) // false
 * ```
 */
export function satisfies(held: readonly string[], needed: string): boolean {
  if (!needed || /[\s\x85]/.test(needed)) return false
  const [neededAction, neededResource] = parts(needed)
  return held.some((scope) => {
    const [action, resource] = parts(scope)
    return action === neededAction && (resource === neededResource || resource === '*')
  })
}

/** The scopes of a token's `scope` claim (RFC 6749 section 3.3), which separates them by spaces. */
export function scopesOf(claim: string): string[] {
  return claim.split(/[ \t\n\f\r]+/).filter(Boolean)
}

function parts(scope: string): [action: string, resource: string] {
  const colon = scope.indexOf(':')
  return colon < 0 ? [scope, '-'] : [scope.slice(0, colon), scope.slice(colon + 1)]
}
