import { credentialOctets } from './credential-text.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'
import { serverFirst } from './server-first.ts'

/**
 * LOGIN (draft-murchison-sasl-login): the user answers the first challenge, the password the second. Their text, mostly
 * `Username:` and `Password:`, differs between servers and languages and is ignored. Throws SASL_ARGUMENT if one is empty
 * or holds NUL.
 */
export function loginMechanism(user: string, password: string): SaslMechanism {
  const name = credentialOctets(user, 'the user name', 'text')
  const secret = credentialOctets(password, 'the password', 'text')
  let isUnnamed = false
  return serverFirst('LOGIN', [
    (challenge) => {
      isUnnamed = challenge.length === 0
      return name
    },
    (challenge) => {
      // An empty prompt came first; what this one asks for would be written to logs as the name.
      if (isUnnamed && /^user/i.test(new TextDecoder().decode(challenge))) {
        throw new SaslError('SASL_CHALLENGE', 'LOGIN asks for the user twice')
      }
      return secret
    },
  ])
}
