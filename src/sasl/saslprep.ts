import { createRequire } from 'node:module'
import type saslprep from '@mongodb-js/saslprep'
import { SaslError } from './mechanism.ts'

/**
 * The value as SASLprep (RFC 4013) prepares it. Code points that Unicode 3.2 had not assigned pass, in user names as RFC
 * 5802 section 5.1 has it (a "query"), and in passwords against its section 2.2 (a "stored string"): Dovecot prepares
 * nothing, so its users have passwords with emoji, and a server that refuses these has stored none that could match.
 *
 * `what` names the value in the error. Throws SASL_ARGUMENT if SASLprep forbids one of its characters or their order,
 * or if nothing is left: what is sent instead would be a guess, and a wrong guess counts as a failed login.
 */
export function prepared(value: string, what: string): string {
  const text = isPrintableAscii(value) ? value : mapped(value, what)
  if (text === '') throw new SaslError('SASL_ARGUMENT', `${what} is empty`)
  return text
}

/** SASLprep leaves it as it is: most runs do not pay for loading the tables. */
function isPrintableAscii(value: string): boolean {
  return /^[ -~]*$/.test(value)
}

function mapped(value: string, what: string): string {
  const prepare = createRequire(import.meta.url)('@mongodb-js/saslprep') as typeof saslprep
  try {
    return prepare(value, { allowUnassigned: true })
  } catch (error) {
    const message = `SCRAM cannot carry ${what}: SASLprep (RFC 4013) forbids a character of it, or their order`
    throw new SaslError('SASL_ARGUMENT', message, error)
  }
}
