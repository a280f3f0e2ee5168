import { TOKEN_MECHANISMS } from '../accounts/account.ts'
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

const TOKEN_HINT =
  'The token may be for another user or without the scope of POP, or POP is switched off for the mailbox'

/** The same error, or with a hint: that of the provider if the refusal is one that it may explain, else on tokens. */
export function withLoginHint(error: unknown, ofProvider: string | undefined): unknown {
  if (!(error instanceof LoginError) || !EXPLAINED.includes(error.code)) return error
  const isAboutToken =
    error.code === 'LOGIN_REFUSED' && TOKEN_MECHANISMS.includes(error.mechanism ?? '')
  const hint = ofProvider ?? (isAboutToken ? TOKEN_HINT : undefined)
  return hint === undefined ? error : new RefusedLoginError(error, hint)
}
