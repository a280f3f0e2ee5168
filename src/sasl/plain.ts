import { Buffer } from 'node:buffer'
import { clientFirst } from './client-first.ts'
import { credentialOctets } from './credential-text.ts'
import type { SaslMechanism } from './mechanism.ts'

/**
 * PLAIN (RFC 4616 section 2): no authorization identity, user and password in UTF-8 as they are; preparing them is the
 * server's part. Throws SASL_ARGUMENT if one is empty or holds NUL.
 */
export function plainMechanism(user: string, password: string): SaslMechanism {
  const message = Buffer.concat([
    Buffer.of(0),
    credentialOctets(user, 'the user name', 'text'),
    Buffer.of(0),
    credentialOctets(password, 'the password', 'text'),
  ])
  return clientFirst({ name: 'PLAIN', message, isSecret: true })
}
