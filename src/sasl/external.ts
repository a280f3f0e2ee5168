import { clientFirst } from './client-first.ts'
import { credentialOctets } from './credential-text.ts'
import type { SaslMechanism } from './mechanism.ts'

/**
 * EXTERNAL (RFC 4422 appendix A): the client certificate has shown who it is. Without `authorizationIdentity`, which is the
 * common form, the server derives the user from the certificate and the initial response has no octets. Throws
 * SASL_ARGUMENT if the identity is empty or holds NUL.
 */
export function external(authorizationIdentity?: string): SaslMechanism {
  const message =
    authorizationIdentity === undefined
      ? new Uint8Array()
      : credentialOctets(authorizationIdentity, 'the user name', 'text')
  return clientFirst({ name: 'EXTERNAL', message, isSecret: false })
}
