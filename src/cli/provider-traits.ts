import { providerOfHost } from '../accounts/providers.ts'
import type { Policy } from '../sync/policy.ts'

/** What a provider is known for that its server does not say, by host name: a first hint, and no more. */
export function traitsOf(host: string): Policy['provider'] {
  return providerOfHost(host)?.name === 'Gmail' ? GMAIL : undefined
}

/** It shows some 250 messages a session, and announces EXPIRE 0 whatever is set on its web pages. */
const GMAIL = { showsParts: true, keepsBySetting: true } as const
