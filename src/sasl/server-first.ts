import { challengeOctets } from './challenge.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'

/** A mechanism in which the server asks and each challenge has one answer; the last answer is the one with the secret. */
export function serverFirst(
  name: string,
  answers: readonly ((challenge: Uint8Array) => Uint8Array)[],
): SaslMechanism {
  let given = 0
  let isRefused = false
  return {
    name,
    initialResponse: undefined,
    respond(challenge) {
      const answer = isRefused ? undefined : answers[given]
      isRefused = true
      if (answer === undefined) {
        throw new SaslError('SASL_CHALLENGE', `${name} knows no further challenge`)
      }
      const octets = answer(challengeOctets(challenge))
      isRefused = false
      given++
      return octets
    },
    get isComplete() {
      return given === answers.length && !isRefused
    },
    get hasExposed() {
      return given === answers.length
    },
    serverError: undefined,
  }
}
