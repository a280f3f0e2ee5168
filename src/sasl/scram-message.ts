import { decodeBase64 } from './base64.ts'
import { LEAST_ITERATIONS, MOST_ITERATIONS, SALT_OCTETS } from './limits.ts'
import { SaslError } from './mechanism.ts'

export interface ServerFirst {
  /** The client's nonce and the server's, in one. */
  readonly nonce: string
  readonly salt: Uint8Array
  readonly iterations: number
}

/**
 * `r=...,s=...,i=...` (RFC 5802 section 7). Attributes that follow are optional by definition and are ignored, but for
 * `m`, which is mandatory to understand. Throws SASL_CHALLENGE for anything malformed, for a nonce that does not extend the
 * client's, and for a salt or an iteration count out of the bounds of limits.ts.
 */
export function parseServerFirst(text: string, clientNonce: string): ServerFirst {
  const [r, s, i, ...others] = attributes(text)
  if (r?.key !== 'r' || s?.key !== 's' || i?.key !== 'i') throw malformed('has no r=, s=, i=')
  checkOthers(others)
  const nonce = r.value
  if (!nonce.startsWith(clientNonce) || nonce.length === clientNonce.length || /\s/.test(nonce)) {
    throw malformed("does not extend the client's nonce")
  }
  const salt = base64Value(s)
  if (salt.length === 0 || salt.length > SALT_OCTETS) throw malformed('has no salt, or too much')
  return { nonce, salt, iterations: iterationCount(i.value) }
}

/** What the server ends with: its signature, or an error in its own words. Undefined: neither, so it proves nothing. */
export type ServerFinal = { readonly signature: Uint8Array } | { readonly error: string }

/** `v=...` or `e=...` (RFC 5802 section 7), optional attributes ignored. Throws SASL_CHALLENGE as parseServerFirst does. */
export function parseServerFinal(text: string): ServerFinal | undefined {
  const error = parseServerError(text)
  if (error !== undefined) return { error }
  if (!text.startsWith('v=')) return undefined
  const [v, ...others] = attributes(text)
  checkOthers(others)
  return v && { signature: base64Value(v) }
}

/** The text after `e=`, which some servers send as early as in place of server-first. */
export function parseServerError(text: string): string | undefined {
  return text.startsWith('e=') ? text.slice(2) : undefined
}

interface Attribute {
  readonly key: string
  readonly value: string
}

function attributes(text: string): Attribute[] {
  return text.split(',').map((part) => {
    if (!/^[A-Za-z]=/.test(part)) throw malformed('is not a list of attributes')
    return { key: part.slice(0, 1), value: part.slice(2) }
  })
}

/** Keys that have their own place: elsewhere they are an attempt to be read twice. */
function checkOthers(others: readonly Attribute[]): void {
  if (others.some(({ key }) => key === 'm')) throw malformed('wants an extension we do not know')
  if (others.some(({ key }) => 'acenprsiv'.includes(key))) throw malformed('has an attribute twice')
}

function base64Value({ key, value }: Attribute): Uint8Array {
  const octets = decodeBase64(value)
  if (octets === undefined) throw malformed(`has no base64 in ${key}=`)
  return octets
}

function iterationCount(value: string): number {
  if (!/^[1-9][0-9]{0,9}$/.test(value)) throw malformed('has no number in i=')
  const count = Number(value)
  if (count < LEAST_ITERATIONS) throw malformed('asks for too few iterations')
  if (count > MOST_ITERATIONS) throw malformed('asks for too many iterations')
  return count
}

function malformed(what: string): SaslError {
  return new SaslError('SASL_CHALLENGE', `the server's SCRAM message ${what}`)
}
