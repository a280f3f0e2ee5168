/**
 * One run of a SASL mechanism (RFC 4422), for one connection and one attempt. No I/O: the caller carries the octets, in
 * base64 as RFC 5034 has it, and cancels with `*` when an error is thrown.
 */
export interface SaslMechanism {
  /** As the SASL capability lists it: `SCRAM-SHA-256-PLUS`, `PLAIN`. */
  readonly name: string
  /**
   * What the client says first: sent with AUTH, or after the server's empty first challenge, which `respond` is not given.
   * No octets at all is `=` beside AUTH and an empty line after the challenge. Undefined: the server speaks first.
   * Reading it counts as sending it.
   */
  readonly initialResponse: Uint8Array | undefined
  /**
   * The answer to a challenge that came after the initial response. Throws SaslError; from then on every challenge is
   * refused.
   */
  respond(challenge: Uint8Array): Uint8Array
  /**
   * Whether +OK may be believed now: the mechanism has said all it has to say, no error challenge came, and SCRAM has
   * verified the server's signature.
   */
  readonly isComplete: boolean
  /**
   * Whether something derived from the secret was handed out. While false, another mechanism may be tried without a
   * second failed login being counted.
   */
  readonly hasExposed: boolean
  /**
   * What the server said in an error challenge: the JSON of XOAUTH2 and OAUTHBEARER, the `e=` of SCRAM. Undefined if none
   * came, empty if it had no text. Untrusted, may hold control characters and what the client sent: mask and escape it.
   */
  readonly serverError: string | undefined
}

/**
 * SASL_CHALLENGE: the challenge is malformed, hostile, or one too many. SASL_SERVER_UNPROVEN: the server's signature is
 * wrong or missing: it does not know the password, though it may say +OK. SASL_ARGUMENT: the mechanism cannot carry this
 * user, password or token; nothing was sent.
 */
export type SaslErrorCode = 'SASL_CHALLENGE' | 'SASL_SERVER_UNPROVEN' | 'SASL_ARGUMENT'

/** The message names neither secrets nor anything the server said. */
export class SaslError extends Error {
  override readonly name = 'SaslError'
  readonly code: SaslErrorCode

  constructor(code: SaslErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
