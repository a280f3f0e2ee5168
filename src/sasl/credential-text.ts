import { Buffer } from 'node:buffer'
import { SaslError } from './mechanism.ts'

/** `text`: all but NUL, as RFC 4616 section 2 has it. `line`: no control characters either. */
export type Alphabet = 'text' | 'line'

/** A half of a surrogate pair has no form in UTF-8; Buffer.from would quietly send a replacement character instead. */
const forbidden: Readonly<Record<Alphabet, RegExp>> = {
  text: /[\0\p{Surrogate}]/u,
  line: /[\p{Control}\p{Surrogate}]/u,
}

/**
 * The value in UTF-8. `what` names it in the error: `the user name`. Throws SASL_ARGUMENT if it is empty or holds what
 * the alphabet forbids.
 */
export function credentialOctets(value: string, what: string, alphabet: Alphabet): Uint8Array {
  return Buffer.from(credentialText(value, what, alphabet), 'utf8')
}

/** The value as it came, checked like that of credentialOctets. */
export function credentialText(value: string, what: string, alphabet: Alphabet): string {
  if (value === '') throw new SaslError('SASL_ARGUMENT', `${what} is empty`)
  if (forbidden[alphabet].test(value)) {
    throw new SaslError('SASL_ARGUMENT', `${what} holds a character that cannot be sent`)
  }
  return value
}
