import { Buffer } from 'node:buffer'
import { clientFirst } from './client-first.ts'
import { credentialText } from './credential-text.ts'
import type { SaslMechanism } from './mechanism.ts'

/**
 * XOAUTH2, as Google and Microsoft document it. An error challenge is answered with no octets, upon which -ERR follows.
 * Throws SASL_ARGUMENT if user or token is empty or holds control characters.
 */
export function xoauth2(user: string, token: string): SaslMechanism {
  const name = credentialText(user, 'the user name', 'line')
  const bearer = credentialText(token, 'the access token', 'line')
  return clientFirst({
    name: 'XOAUTH2',
    message: Buffer.from(`user=${name}\x01auth=Bearer ${bearer}\x01\x01`, 'utf8'),
    isSecret: true,
    errorAnswer: new Uint8Array(),
  })
}
