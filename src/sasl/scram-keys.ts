import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export type ScramHash = 'SHA-1' | 'SHA-256'

const nodeHashes = { 'SHA-1': 'sha1', 'SHA-256': 'sha256' } as const
const hashOctets = { 'SHA-1': 20, 'SHA-256': 32 } as const

export interface ScramSecrets {
  readonly hash: ScramHash
  /** As SASLprep left it. */
  readonly password: string
  readonly salt: Uint8Array
  readonly iterations: number
  /** client-first-bare, server-first and client-final-without-proof, joined by commas. */
  readonly authMessage: string
}

export interface ScramProofs {
  /** What the client sends. */
  readonly clientProof: Uint8Array
  /** What the server must send. */
  readonly serverSignature: Uint8Array
}

/** RFC 5802 section 3. Blocks for as long as the iterations take; see MOST_ITERATIONS. */
export function scramProofs(secrets: ScramSecrets): ScramProofs {
  const { hash, password, salt, iterations, authMessage } = secrets
  const algorithm = nodeHashes[hash]
  const hmac = (key: Uint8Array, text: string) => createHmac(algorithm, key).update(text).digest()
  const saltedPassword = pbkdf2Sync(password, salt, iterations, hashOctets[hash], algorithm)
  const clientKey = hmac(saltedPassword, 'Client Key')
  const storedKey = createHash(algorithm).update(clientKey).digest()
  const clientSignature = hmac(storedKey, authMessage)
  return {
    clientProof: clientKey.map((octet, at) => octet ^ (clientSignature[at] ?? 0)),
    serverSignature: hmac(hmac(saltedPassword, 'Server Key'), authMessage),
  }
}
