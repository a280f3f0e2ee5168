/** A password in the keyring, with whom it is for: the name of an account alone says not where it may be sent. */
import * as v from 'valibot'

/** Whose password it is. */
export interface PasswordOwner {
  readonly host: string
  readonly user: string
}

/** `own`: kept for this host and user; `other`: for another one; `unbound`: put there by hand, for whoever asks. */
export type KeptPassword =
  | { readonly type: 'own' | 'unbound'; readonly password: string }
  | { readonly type: 'other' }

const keptSchema = v.object({
  popkeep: v.literal(1),
  host: v.string(),
  user: v.string(),
  password: v.string(),
})

/** The text of an entry, one line of JSON. */
export function formatPassword({ host, user }: PasswordOwner, password: string): string {
  return JSON.stringify({ popkeep: 1, host: canonical(host), user, password })
}

/** Any text that formatPassword did not make is an unbound password; of a later form of ours, it is for nobody here. */
export function parsePassword(text: string, { host, user }: PasswordOwner): KeptPassword {
  const value = ownObject(text)
  if (value === undefined) return { type: 'unbound', password: text }
  const result = v.safeParse(keptSchema, value)
  if (!result.success) return { type: 'other' }
  const { output } = result
  const isOwn = output.host === canonical(host) && output.user === user
  return isOwn ? { type: 'own', password: output.password } : { type: 'other' }
}

function ownObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && 'popkeep' in value ? value : undefined
  } catch {
    return undefined
  }
}

/** Addresses may stand in brackets. */
function canonical(host: string): string {
  return host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
}
