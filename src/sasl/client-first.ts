import { Buffer } from 'node:buffer'
import { challengeOctets } from './challenge.ts'
import { SERVER_ERROR_CHARACTERS } from './limits.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'

export interface ClientFirst {
  readonly name: string
  readonly message: Uint8Array
  /** Whether the message holds the secret. */
  readonly isSecret: boolean
  /** What an error challenge is answered with, before the server's -ERR. Undefined: the mechanism knows none. */
  readonly errorAnswer?: Uint8Array | undefined
}

/** A mechanism in which the client says all in one message. */
export function clientFirst({ name, message, isSecret, errorAnswer }: ClientFirst): SaslMechanism {
  let isTaken = false
  let isOver = false
  let serverError: string | undefined
  return {
    name,
    get initialResponse() {
      isTaken = true
      return message
    },
    respond(challenge) {
      const wasOver = isOver
      isOver = true
      challengeOctets(challenge)
      if (wasOver || errorAnswer === undefined) {
        throw new SaslError('SASL_CHALLENGE', `${name} knows no further challenge`)
      }
      serverError = Buffer.from(challenge).toString('utf8').slice(0, SERVER_ERROR_CHARACTERS)
      return errorAnswer
    },
    get isComplete() {
      return isTaken && !isOver
    },
    get hasExposed() {
      return isTaken && isSecret
    },
    get serverError() {
      return serverError
    },
  }
}
