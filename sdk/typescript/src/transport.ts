/**
 * What carries a call of an operation to whoever answers it.
 *
 * A transport is a function, so that its credentials live in its closure, where nothing prints them, and so that one
 * of your own is a few lines: take the call, answer with a `Response`.
 *
 * @module
 */

import type { Arguments, Operation } from './operation.js'

/** A call on its way. */
export interface OperationCall {
  /** What is called. */
  operation: Operation
  /** With what, flat. */
  arguments: Arguments
  /** Headers to send as well; they win. */
  headers: Readonly<Record<string, string>>
  /** Ends the call, also when its time is over. */
  signal: AbortSignal
  /** How many milliseconds the call may still take. */
  timeLeft: () => number
}

/** Carries a call; answers with what came back, also when that is a refusal. */
export type Transport = (call: OperationCall) => Promise<Response>

/** What every transport over HTTP may be told. */
export interface SendingOptions {
  /** What sends requests; the runtime's `fetch`. */
  fetch?: typeof globalThis.fetch | undefined
  /** How often a request that failed is sent again; 2. The README of `@countersign/toolkit` says which failures, under "Repetitions". */
  retries?: number | undefined
  /** Headers for every request. They win over those that the call makes. */
  headers?: Readonly<Record<string, string>> | undefined
  /** Time and chance, for tests. */
  clock?: SendingClock | undefined
}

/** Time and chance, as a transport needs them. */
export interface SendingClock {
  /** A number from 0 to 1, without 1. */
  random: () => number
  /** Waits so many milliseconds, or less if the signal ends it. */
  sleep: (milliseconds: number, signal: AbortSignal) => Promise<void>
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now: () => number
}
