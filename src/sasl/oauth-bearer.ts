import { Buffer } from 'node:buffer'
import { clientFirst } from './client-first.ts'
import { credentialText } from './credential-text.ts'
import { gs2Header } from './gs2-header.ts'
import type { SaslMechanism } from './mechanism.ts'

export interface OAuthBearerOptions {
  readonly user: string
  readonly token: string
  /** As the owner named the server. */
  readonly host: string
  readonly port: number
}

/**
 * OAUTHBEARER (RFC 7628 section 3.1). An error challenge is answered with the single octet 1 (section 3.2.3), upon which
 * -ERR follows. Throws SASL_ARGUMENT if user, token or host is empty or holds control characters.
 */
export function oauthBearer({ user, token, host, port }: OAuthBearerOptions): SaslMechanism {
  const header = gs2Header({ flag: 'n' }, credentialText(user, 'the user name', 'line'))
  const pairs = [
    `host=${credentialText(host, 'the host name', 'line')}`,
    `port=${port}`,
    `auth=Bearer ${credentialText(token, 'the access token', 'line')}`,
  ]
  return clientFirst({
    name: 'OAUTHBEARER',
    message: Buffer.from(`${header}\x01${pairs.join('\x01')}\x01\x01`, 'utf8'),
    isSecret: true,
    errorAnswer: Uint8Array.of(1),
  })
}
