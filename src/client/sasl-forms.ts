/** How AUTH begins with each mechanism. */
import { commandOctets } from '../pop3/command.ts'
import { ArgumentError } from '../pop3/errors.ts'
import { COMMAND_OCTETS } from '../pop3/limits.ts'
import { encodeBase64 } from '../sasl/base64.ts'
import { cramMd5 } from '../sasl/cram-md5.ts'
import { external } from '../sasl/external.ts'
import type { ChannelBinding } from '../sasl/gs2-header.ts'
import { loginMechanism } from '../sasl/login.ts'
import { SaslError, type SaslMechanism } from '../sasl/mechanism.ts'
import { oauthBearer } from '../sasl/oauth-bearer.ts'
import { plainMechanism } from '../sasl/plain.ts'
import { scram } from '../sasl/scram.ts'
import { xoauth2 } from '../sasl/xoauth2.ts'

/**
 * `line`: the initial response goes with AUTH (RFC 5034 section 4). `steps`: it answers the server's first, empty
 * challenge. `server-first`: there is none, the server's challenge begins.
 */
export type SaslForm = 'line' | 'steps' | 'server-first'

/** What a mechanism needs to know. */
export interface SaslParts {
  readonly user: string
  /** Password or token; empty with a certificate. */
  readonly secret: string
  readonly host: string
  readonly port: number
  readonly binding: ChannelBinding
}

/** Throws ArgumentError (POP3_ARGUMENT) if the mechanism cannot carry this user, password or token. */
export function saslMechanism(name: string, parts: SaslParts): SaslMechanism {
  try {
    return create(name, parts)
  } catch (error) {
    if (error instanceof SaslError) throw new ArgumentError(error.message)
    throw error
  }
}

/**
 * The forms worth trying, in this order. The second is for servers that refuse the first for its form alone. A token
 * begins in steps: Exchange Online ends the connection at one in the command line. -PLUS has one form, since a channel
 * binding serves one attempt (RFC 9266 section 4.1).
 */
export function saslForms(name: string, parts: SaslParts): readonly SaslForm[] {
  // One made for measuring: reading the initial response counts as sending it.
  const { initialResponse } = saslMechanism(name, parts)
  if (initialResponse === undefined) return ['server-first']
  if (name === 'XOAUTH2' || name === 'OAUTHBEARER') return ['steps', 'line']
  const line = {
    keyword: 'AUTH',
    mechanism: name,
    initialResponse: lineForm(initialResponse),
  } as const
  if (commandOctets(line) > COMMAND_OCTETS) return ['steps']
  return name.endsWith('-PLUS') ? ['line'] : ['line', 'steps']
}

/** An initial response as the AUTH line has it: `=` where it holds no octets (RFC 5034 section 4). */
export function lineForm(initialResponse: Uint8Array): string {
  return initialResponse.length === 0 ? '=' : encodeBase64(initialResponse)
}

function create(name: string, { user, secret, host, port, binding }: SaslParts): SaslMechanism {
  switch (name) {
    case 'SCRAM-SHA-256-PLUS':
    case 'SCRAM-SHA-256':
      return scram({ hash: 'SHA-256', user, password: secret, binding })
    case 'SCRAM-SHA-1-PLUS':
    case 'SCRAM-SHA-1':
      return scram({ hash: 'SHA-1', user, password: secret, binding })
    case 'PLAIN':
      return plainMechanism(user, secret)
    case 'LOGIN':
      return loginMechanism(user, secret)
    case 'CRAM-MD5':
      return cramMd5(user, secret)
    case 'XOAUTH2':
      return xoauth2(user, secret)
    case 'OAUTHBEARER':
      return oauthBearer({ user, token: secret, host, port })
    case 'EXTERNAL':
      return external()
    default:
      throw new Error(`${name} is no SASL mechanism`)
  }
}
