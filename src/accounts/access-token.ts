/** What a login by token shows to a server, and where it comes from. */
import { MAX_TOKEN_OCTETS } from './limits.ts'

/** What gives the tokens that a login shows. */
export interface AccessTokens {
  /** One that is good for some minutes, as far as is known here. */
  accessToken(signal: AbortSignal): Promise<string>
  /** Another one after the server refused `rejected`; undefined if there is none to be had without its owner. */
  renew(rejected: string, signal: AbortSignal): Promise<string | undefined>
}

/**
 * Whether a text can be a token: visible US-ASCII (RFC 6749 appendix A.12), of a length that can be stored and sent. More
 * than that would end a field of the SASL message.
 */
export function isToken(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text) && text.length <= MAX_TOKEN_OCTETS
}
