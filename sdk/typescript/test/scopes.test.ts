// The rule of crates/token/src/scope.rs, case by case.
import { expect, test } from 'vitest'
import { satisfies, scopesOf } from '../src/scopes.js'

test.each([
  ['read:users', 'read:users', true],
  ['write:users read', 'read', true],
  ['read:users', 'read:books', false],
  ['read:users', 'write:users', false],
  ['', 'read', false],
  ['read:users', 'read:user', false],
  ['read:users', 'READ:users', false],
  ['read:*', 'read:users', true],
  ['read:*', 'read:*', true],
  ['read:*', 'read:a:b', true],
  ['read:*', 'write:users', false],
  ['read:users', 'read:*', false],
  ['*:users', 'read:users', false],
  ['*', 'read', false],
  ['*:*', 'read:users', false],
  ['read:us*', 'read:users', false],
  ['read:users:*', 'read:users:1', false],
  ['*:*', '*:users', true],
  ['read:*', 'read', true],
  ['read:-', 'read', true],
  ['read', 'read:-', true],
  ['read', 'read:users', false],
  ['read:', 'read', false],
  ['a:b:c', 'a:b:c', true],
  ['a:b:c', 'a:b:d', false],
  ['a:b', 'a:b:c', false],
  ['read write : *:* -:*', '', false],
  ['read write : *:* -:*', ' ', false],
  ['read write : *:* -:*', 'read write', false],
  ['read write : *:* -:*', 'read ', false],
  ['read', 'read\u0085', false],
])('%j for %j: %s', (held, needed, answer) => {
  expect(satisfies(scopesOf(held), needed)).toBe(answer)
})

test('scopes are separated by white space of any amount', () => {
  expect(scopesOf('  a\tb \n c ')).toEqual(['a', 'b', 'c'])
})
