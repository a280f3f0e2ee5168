import { Buffer } from 'node:buffer'
import { CHALLENGE_OCTETS } from './limits.ts'
import { SaslError } from './mechanism.ts'

/** The challenge as it came; throws SASL_CHALLENGE if it passes CHALLENGE_OCTETS. */
export function challengeOctets(challenge: Uint8Array): Uint8Array {
  if (challenge.length <= CHALLENGE_OCTETS) return challenge
  throw new SaslError('SASL_CHALLENGE', "the server's challenge is too long")
}

/** The challenge as text; throws SASL_CHALLENGE if it is too long, or anything but printable ASCII. */
export function challengeText(challenge: Uint8Array): string {
  const text = Buffer.from(challengeOctets(challenge)).toString('latin1')
  if (/^[ -~]*$/.test(text)) return text
  throw new SaslError('SASL_CHALLENGE', "the server's challenge is not printable ASCII")
}
