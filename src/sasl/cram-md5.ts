import { Buffer } from 'node:buffer'
import { createHmac } from 'node:crypto'
import { challengeText } from './challenge.ts'
import { credentialOctets, credentialText } from './credential-text.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'
import { serverFirst } from './server-first.ts'

/**
 * CRAM-MD5 (RFC 2195): the user name and the HMAC-MD5 of the challenge, with the password for a key. An empty challenge
 * is refused: its answer would be the same each time. Throws SASL_ARGUMENT if the user is empty or holds control
 * characters, or the password is empty or holds NUL.
 */
export function cramMd5(user: string, password: string): SaslMechanism {
  const name = credentialText(user, 'the user name', 'line')
  const key = credentialOctets(password, 'the password', 'text')
  const answer = (challenge: Uint8Array): Uint8Array => {
    const text = challengeText(challenge)
    if (text === '') throw new SaslError('SASL_CHALLENGE', 'the CRAM-MD5 challenge is empty')
    return Buffer.from(`${name} ${createHmac('md5', key).update(text).digest('hex')}`, 'utf8')
  }
  return serverFirst('CRAM-MD5', [answer])
}
