import { inspect } from 'node:util'
import { expect } from 'vitest'
import { AuthorizationError } from '../../src/accounts/errors.ts'
import type { Keyring } from '../../src/accounts/keyring.ts'
import { CANARY } from '../support/authorization-server.ts'

/** The error of a promise that must fail. However it is printed, no token is in it. */
export async function failureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    (value) => new Error(`not to be: ${inspect(value)}`),
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw error
  expect(error.message).not.toContain('not to be')
  expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(`${CANARY}-`)
  expect(JSON.stringify(error)).not.toContain(`${CANARY}-`)
  return error
}

/** The same where OAuth is to blame. */
export async function authorizationFailureOf(
  promise: Promise<unknown>,
): Promise<AuthorizationError> {
  const error = await failureOf(promise)
  if (!(error instanceof AuthorizationError)) throw error
  return error
}

export const never = new AbortController().signal

/** A keyring in memory. */
export function memoryKeyring(entries = new Map<string, string>()): Keyring {
  return {
    get: async (account) => entries.get(account),
    set: async (account, text) => void entries.set(account, text),
    remove: async (account) => void entries.delete(account),
  }
}
