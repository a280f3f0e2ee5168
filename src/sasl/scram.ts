import { Buffer } from 'node:buffer'
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { encodeBase64 } from './base64.ts'
import { challengeText } from './challenge.ts'
import { type ChannelBinding, escapeName, gs2Header } from './gs2-header.ts'
import { SERVER_ERROR_CHARACTERS } from './limits.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'
import { prepared } from './saslprep.ts'
import { type ScramHash, scramProofs } from './scram-keys.ts'
import { parseServerError, parseServerFinal, parseServerFirst } from './scram-message.ts'

export interface ScramOptions {
  readonly hash: ScramHash
  readonly user: string
  readonly password: string
  /** With `p` the mechanism is the -PLUS form. */
  readonly binding: ChannelBinding
  /** Printable ASCII without comma; random unless a test vector has it. */
  readonly nonce?: string | undefined
}

/**
 * SCRAM-SHA-1 and SCRAM-SHA-256 (RFC 5802, RFC 7677) and their -PLUS forms. Server-final comes as a challenge, because +OK
 * carries no data (RFC 5034 section 4), and is answered with no octets; so is an `e=`, after which -ERR must follow.
 * Throws SASL_ARGUMENT if SASLprep refuses user or password.
 */
export function scram(options: ScramOptions): SaslMechanism {
  return new Scram(options)
}

class Scram implements SaslMechanism {
  readonly name: string
  readonly #hash: ScramHash
  readonly #password: string
  readonly #nonce: string
  readonly #gs2Header: string
  readonly #bindingData: Uint8Array
  readonly #clientFirstBare: string
  #awaits: 'server-first' | 'server-final' | 'nothing' = 'server-first'
  #expectedSignature: Uint8Array | undefined
  #isVerified = false
  #serverError: string | undefined

  constructor({ hash, user, password, binding, nonce }: ScramOptions) {
    this.name = `SCRAM-${hash}${binding.flag === 'p' ? '-PLUS' : ''}`
    this.#hash = hash
    this.#password = prepared(password, 'the password')
    this.#nonce = nonce ?? randomBytes(18).toString('base64')
    this.#gs2Header = gs2Header(binding)
    this.#bindingData = binding.flag === 'p' ? binding.data : new Uint8Array()
    this.#clientFirstBare = `n=${escapeName(prepared(user, 'the user name'))},r=${this.#nonce}`
  }

  get initialResponse(): Uint8Array {
    return Buffer.from(this.#gs2Header + this.#clientFirstBare, 'utf8')
  }

  get isComplete(): boolean {
    return this.#isVerified
  }

  get hasExposed(): boolean {
    return this.#expectedSignature !== undefined
  }

  get serverError(): string | undefined {
    return this.#serverError
  }

  respond(challenge: Uint8Array): Uint8Array {
    const awaited = this.#awaits
    // Whatever fails below fails for good.
    this.#awaits = 'nothing'
    this.#isVerified = false
    const text = challengeText(challenge)
    if (awaited === 'server-first') return this.#answerServerFirst(text)
    if (awaited === 'server-final') return this.#answerServerFinal(text)
    throw new SaslError('SASL_CHALLENGE', `${this.name} knows no further challenge`)
  }

  #answerServerFirst(serverFirst: string): Uint8Array {
    const error = parseServerError(serverFirst)
    if (error !== undefined) return this.#answerError(error)
    const { nonce, salt, iterations } = parseServerFirst(serverFirst, this.#nonce)
    const binding = Buffer.concat([Buffer.from(this.#gs2Header), this.#bindingData])
    const withoutProof = `c=${encodeBase64(binding)},r=${nonce}`
    const { clientProof, serverSignature } = scramProofs({
      hash: this.#hash,
      password: this.#password,
      salt,
      iterations,
      authMessage: `${this.#clientFirstBare},${serverFirst},${withoutProof}`,
    })
    this.#expectedSignature = serverSignature
    this.#awaits = 'server-final'
    return Buffer.from(`${withoutProof},p=${encodeBase64(clientProof)}`)
  }

  #answerServerFinal(text: string): Uint8Array {
    const final = parseServerFinal(text)
    if (final && 'error' in final) return this.#answerError(final.error)
    if (!final || !isEqual(final.signature, this.#expectedSignature)) {
      const what = final ? 'a wrong signature' : 'no signature'
      throw new SaslError(
        'SASL_SERVER_UNPROVEN',
        `the server proves by ${what} that it does not know the password`,
      )
    }
    this.#isVerified = true
    return new Uint8Array()
  }

  #answerError(error: string): Uint8Array {
    this.#serverError = error.slice(0, SERVER_ERROR_CHARACTERS)
    return new Uint8Array()
  }
}

function isEqual(given: Uint8Array, expected: Uint8Array | undefined): boolean {
  return expected?.length === given.length && timingSafeEqual(given, expected)
}
