/** What a server announces about how it wants to be used (RFC 2449 sections 6.5 and 6.7). */
import type { CapabilityAnswer } from '../client/probe.ts'
import { type Capabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'

export interface LoginDelay {
  readonly seconds: number
  /** The account may have another one; the server tells it after login. */
  readonly variesByUser: boolean
}

export interface Retention {
  /** For how long messages are kept at least, in days. */
  readonly days: number | 'never'
  readonly variesByUser: boolean
}

export function loginDelayOf(announced: Capabilities): LoginDelay | undefined {
  const [delay = '', ...more] = announced.args('LOGIN-DELAY')
  if (!/^\d{1,9}$/.test(delay)) return undefined
  return { seconds: Number(delay), variesByUser: isByUser(more) }
}

export function retentionOf(announced: Capabilities): Retention | undefined {
  const [days = '', ...more] = announced.args('EXPIRE')
  const variesByUser = isByUser(more)
  if (days.toUpperCase() === 'NEVER') return { days: 'never', variesByUser }
  return /^\d{1,9}$/.test(days) ? { days: Number(days), variesByUser } : undefined
}

/** Nothing where the server did not list any. */
export function listedBy(answer: CapabilityAnswer | undefined): Capabilities {
  return answer?.answer === 'listed' ? answer.capabilities : NO_CAPABILITIES
}

function isByUser(words: readonly string[]): boolean {
  return words.some((word) => word.toUpperCase() === 'USER')
}
