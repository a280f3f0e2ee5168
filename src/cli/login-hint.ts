import type { LoginErrorCode } from '../client/refusal.ts'
import { LoginError } from '../client/refusal.ts'

/** The refusals that a provider's own rules may explain. */
const EXPLAINED: readonly string[] = [
  'LOGIN_REFUSED',
  'LOGIN_PERMANENT',
  'LOGIN_NO_MECHANISM',
] satisfies readonly LoginErrorCode[]

/** A refused login together with what its provider is known to want. */
export class RefusedLoginError extends Error {
  override readonly name = 'RefusedLoginError'
  readonly code: string
  readonly serverText: string | undefined
  /** One sentence, instead of the general advice. */
  readonly hint: string

  constructor(refusal: LoginError, hint: string) {
    super(refusal.message, { cause: refusal })
    this.code = refusal.code
    this.serverText = refusal.serverText
    this.hint = hint
  }
}

/** The same error, or with the provider's hint if it is a refusal that the hint may explain. */
export function withLoginHint(error: unknown, hint: string | undefined): unknown {
  const isExplained = error instanceof LoginError && EXPLAINED.includes(error.code)
  return isExplained && hint !== undefined ? new RefusedLoginError(error, hint) : error
}
