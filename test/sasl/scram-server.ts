import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import saslprep from '@mongodb-js/saslprep'

/** What a server does that wants to be believed, or to be given something, without knowing the password. */
export type ScramHostility =
  | 'foreign nonce'
  | 'nonce not extended'
  | 'i=1'
  | 'i=4095'
  | 'i=2000000000'
  | 'empty salt'
  | 'm='
  | 'wrong v='
  | 'short v='
  | 'missing v='
  | 'empty server-final'
  | '+OK without server-final'

export interface ScramServerOptions {
  readonly hash: 'SHA-1' | 'SHA-256'
  readonly user: string
  readonly password: string
  /** The server's side of the TLS session. With it, -PLUS is offered, and `y` from a client betrays a downgrade. */
  readonly binding?: { readonly type: string; readonly data: Uint8Array } | undefined
  readonly salt?: Uint8Array | undefined
  readonly iterations?: number | undefined
  /** What is added to the client's nonce. */
  readonly nonce?: string | undefined
  readonly hostility?: ScramHostility | undefined
}

/** A further challenge (not yet in base64), or the end: +OK or -ERR. */
export type ScramReply = { readonly challenge: Uint8Array } | { readonly ok: boolean }

/** The server of RFC 5802, for one login. Pass it what the client said, without base64; it throws if that is malformed. */
export class ScramServer {
  readonly #options: ScramServerOptions
  #gs2Header = ''
  #clientFirstBare = ''
  #serverFirst = ''
  #nonce = ''
  #step: 'client-first' | 'client-final' | 'end' = 'client-first'
  #ok = false

  constructor(options: ScramServerOptions) {
    this.#options = options
  }

  answer(message: Uint8Array): ScramReply {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(message)
    if (this.#step === 'client-first') return this.#answerClientFirst(text)
    if (this.#step === 'client-final') return this.#answerClientFinal(text)
    if (text !== '') throw new Error('the answer to server-final is not empty')
    return { ok: this.#ok }
  }

  #answerClientFirst(text: string): ScramReply {
    const match = /^((?:n|y|p=([A-Za-z0-9.-]+)),,)(n=((?:[^=,]|=3D|=2C)+),r=([!-+\--~]+))$/.exec(
      text,
    )
    if (!match) throw new Error(`malformed client-first: ${text}`)
    const [, gs2Header = '', type, bare = '', name = '', clientNonce = ''] = match
    const user = name.replaceAll('=2C', ',').replaceAll('=3D', '=')
    const { binding } = this.#options
    const isBindingRight =
      gs2Header === 'y,,' ? !binding : type === binding?.type || type === undefined
    this.#gs2Header = gs2Header
    this.#clientFirstBare = bare
    this.#step = 'client-final'
    if (!isBindingRight) return this.#refuse('server-does-support-channel-binding')
    if (user !== saslprep(this.#options.user, { allowUnassigned: true })) {
      return this.#refuse('unknown-user')
    }
    this.#serverFirst = this.#composeServerFirst(clientNonce)
    return challenge(this.#serverFirst)
  }

  #composeServerFirst(clientNonce: string): string {
    const { hostility, nonce = '3rfcNHYJY1ZVvWVs7j', iterations = 4096 } = this.#options
    this.#nonce = clientNonce + nonce
    if (hostility === 'foreign nonce') this.#nonce = `x${clientNonce}${nonce}`
    if (hostility === 'nonce not extended') this.#nonce = clientNonce
    const count = hostility?.startsWith('i=') ? hostility.slice(2) : iterations
    const salt = hostility === 'empty salt' ? '' : base64(this.#salt)
    return `${hostility === 'm=' ? 'm=ext,' : ''}r=${this.#nonce},s=${salt},i=${count}`
  }

  get #salt(): Uint8Array {
    return this.#options.salt ?? Buffer.from('QSXCR+Q6sek8bf92', 'base64')
  }

  #answerClientFinal(text: string): ScramReply {
    const match = /^(c=([A-Za-z0-9+/=]+),r=([!-+\--~]+)),p=([A-Za-z0-9+/=]+)$/.exec(text)
    if (!match) throw new Error(`malformed client-final: ${text}`)
    const [, withoutProof = '', binding = '', nonce, proof = ''] = match
    const data = this.#gs2Header.startsWith('p=') ? this.#options.binding?.data : undefined
    if (binding !== base64(Buffer.concat([Buffer.from(this.#gs2Header), data ?? Buffer.of()]))) {
      return this.#refuse('channel-bindings-dont-match')
    }
    if (nonce !== this.#nonce) return this.#refuse('other-error')
    return this.#verify(Buffer.from(proof, 'base64'), withoutProof)
  }

  #verify(proof: Buffer, withoutProof: string): ScramReply {
    const { hash, password, iterations = 4096, hostility } = this.#options
    const node = hash === 'SHA-1' ? 'sha1' : 'sha256'
    const hmac = (key: Uint8Array, text: string) => createHmac(node, key).update(text).digest()
    const text = saslprep(password, { allowUnassigned: true })
    const salted = pbkdf2Sync(text, this.#salt, iterations, hash === 'SHA-1' ? 20 : 32, node)
    const storedKey = createHash(node).update(hmac(salted, 'Client Key')).digest()
    const authMessage = `${this.#clientFirstBare},${this.#serverFirst},${withoutProof}`
    const clientKey = Buffer.from(
      hmac(storedKey, authMessage).map((octet, at) => octet ^ proof[at]!),
    )
    const isKnown = timingSafeEqual(createHash(node).update(clientKey).digest(), storedKey)
    this.#step = 'end'
    const signature = hmac(hmac(salted, 'Server Key'), authMessage)
    if (hostility !== undefined) return this.#pretend(hostility, signature)
    if (!isKnown) return this.#refuse('invalid-proof')
    this.#ok = true
    return challenge(`v=${base64(signature)}`)
  }

  /** Says +OK to any proof, as one does who does not know the password. */
  #pretend(hostility: ScramHostility, signature: Buffer): ScramReply {
    this.#ok = true
    if (hostility === '+OK without server-final') return { ok: true }
    if (hostility === 'empty server-final') return challenge('')
    if (hostility === 'missing v=') return challenge('x=1')
    if (hostility === 'short v=') return challenge(`v=${base64(signature.subarray(0, 4))}`)
    return challenge(`v=${base64(signature.map((octet) => octet ^ 1))}`)
  }

  #refuse(error: string): ScramReply {
    this.#step = 'end'
    return challenge(`e=${error}`)
  }
}

function challenge(text: string): ScramReply {
  return { challenge: Buffer.from(text, 'utf8') }
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}
