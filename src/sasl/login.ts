import { challengeOctets } from './challenge.ts'
import { credentialOctets } from './credential-text.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'

/**
 * LOGIN (draft-murchison-sasl-login): the user answers the first challenge, the password the second. Their text, mostly
 * `Username:` and `Password:`, differs between servers and languages and is ignored. Throws SASL_ARGUMENT if one is empty
 * or holds NUL.
 */
export function loginMechanism(user: string, password: string): SaslMechanism {
  const answers = [
    credentialOctets(user, 'the user name', 'text'),
    credentialOctets(password, 'the password', 'text'),
  ]
  let answered = 0
  let isRefused = false
  return {
    name: 'LOGIN',
    initialResponse: undefined,
    respond(challenge) {
      const answer = isRefused ? undefined : answers[answered]
      isRefused = true
      challengeOctets(challenge)
      if (answer === undefined) {
        throw new SaslError('SASL_CHALLENGE', 'LOGIN knows no further challenge')
      }
      isRefused = false
      answered++
      return answer
    },
    get isComplete() {
      return answered === 2 && !isRefused
    },
    get hasExposed() {
      return answered === 2
    },
    serverError: undefined,
  }
}
