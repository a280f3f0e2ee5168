/**
 * One AUTH command to its end (RFC 5034 section 4): carries octets between the mechanism and the server, and decides what
 * may be believed.
 */
import { NetworkError } from '../net/errors.ts'
import { ProtocolError, SessionError } from '../pop3/errors.ts'
import { SASL_ROUNDS } from '../pop3/limits.ts'
import { octetsOf } from '../pop3/octets.ts'
import type { ProtocolEvent } from '../pop3/protocol.ts'
import { decodeBase64, encodeBase64 } from '../sasl/base64.ts'
import { SaslError, type SaslMechanism } from '../sasl/mechanism.ts'
import { LoginError } from './refusal.ts'
import { lineForm, type SaslForm } from './sasl-forms.ts'
import type { StatusEvent, Wire } from './wire.ts'

/** How an attempt to log in ended, where the connection may go on. */
export type Outcome =
  | { readonly type: 'accepted' }
  | Refused
  /** The server's challenge made no sense, and `*` was sent. */
  | { readonly type: 'cancelled'; readonly hasExposed: boolean; readonly cause: SaslError }

export interface Refused {
  readonly type: 'refused'
  readonly reply: StatusEvent
  /** The server refused the first line that was sent. */
  readonly isAtOnce: boolean
  /** Something derived from the secret was sent before. */
  readonly hasExposed: boolean
  /** What an error challenge said, secrets masked. */
  readonly serverError: string | undefined
}

/** The challenges of these need not be understood: some servers send words there that are no base64. */
const IGNORES_WORDS: ReadonlySet<string> = new Set([
  'PLAIN',
  'LOGIN',
  'XOAUTH2',
  'OAUTHBEARER',
  'EXTERNAL',
])

/**
 * Throws LoginError (LOGIN_SERVER_UNPROVEN, LOGIN_CHALLENGE), ProtocolError or what ends the connection; after each of
 * them it must be closed at once.
 */
export function exchange(
  wire: Wire,
  mechanism: SaslMechanism,
  { form, timeoutMs }: { readonly form: SaslForm; readonly timeoutMs: number },
): Promise<Outcome> {
  return new Exchange(wire, mechanism, form, timeoutMs).run()
}

class Exchange {
  readonly #wire: Wire
  readonly #mechanism: SaslMechanism
  readonly #form: SaslForm
  readonly #timeoutMs: number
  /** Read when it is sent. */
  #initialResponse: Uint8Array | undefined
  #answers = 0

  constructor(wire: Wire, mechanism: SaslMechanism, form: SaslForm, timeoutMs: number) {
    this.#wire = wire
    this.#mechanism = mechanism
    this.#form = form
    this.#timeoutMs = timeoutMs
  }

  async run(): Promise<Outcome> {
    this.#begin()
    for (let round = 0; round <= SASL_ROUNDS; round += 1) {
      const event = await this.#wire.event(this.#timeoutMs)
      if (event.type === 'status' && !this.#isPrompt(event)) return this.#end(event)
      if (event.type !== 'status' && event.type !== 'continuation') break
      const unheard = this.#answer(event.type === 'continuation' ? event.text : '')
      if (unheard) return this.#cancel(unheard)
    }
    throw new ProtocolError('POP3_LIMIT', `${this.#mechanism.name} came to no end`)
  }

  #begin(): void {
    const { name } = this.#mechanism
    let initialResponse: string | undefined
    if (this.#form === 'line') {
      this.#initialResponse = this.#mechanism.initialResponse
      initialResponse = lineForm(this.#initialResponse ?? new Uint8Array())
      this.#conceal(initialResponse)
    }
    this.#wire.send([{ keyword: 'AUTH', mechanism: name, initialResponse }])
  }

  /** Exchange 2003 says +OK where a challenge belongs. Only before we said anything can it be taken for one. */
  #isPrompt(event: StatusEvent): boolean {
    return event.ok && this.#form !== 'line' && this.#answers === 0
  }

  /** Answers the challenge; returns why that is impossible. */
  #answer(text: string): SaslError | undefined {
    try {
      const response = this.#response(text)
      this.#answers += 1
      const line = encodeBase64(response)
      this.#conceal(line, response)
      this.#wire.answer(line)
      return undefined
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      if (error.code === 'SASL_CHALLENGE') return error
      throw new LoginError('LOGIN_SERVER_UNPROVEN', {
        mechanism: this.#mechanism.name,
        cause: error,
      })
    }
  }

  #response(text: string): Uint8Array {
    const { name } = this.#mechanism
    const ignoresWords = IGNORES_WORDS.has(name)
    if (this.#answers === 0 && this.#asksForInitialResponse(text)) {
      if (text !== '' && !ignoresWords) {
        throw new SaslError('SASL_CHALLENGE', `${name} begins with the client`)
      }
      this.#initialResponse ??= this.#mechanism.initialResponse
      return this.#initialResponse ?? new Uint8Array()
    }
    const challenge = decodeBase64(text) ?? (ignoresWords ? octetsOf(text) : undefined)
    if (challenge) return this.#mechanism.respond(challenge)
    throw new SaslError('SASL_CHALLENGE', 'the challenge is not base64')
  }

  /** Also of servers that ignore the one in the command line. */
  #asksForInitialResponse(text: string): boolean {
    if (this.#form === 'steps') return true
    const { name } = this.#mechanism
    return this.#form === 'line' && (text === '' || name === 'PLAIN' || name === 'EXTERNAL')
  }

  #end(reply: StatusEvent): Outcome {
    const { name, hasExposed, isComplete, serverError } = this.#mechanism
    if (!reply.ok) {
      return {
        type: 'refused',
        reply,
        isAtOnce: this.#answers === 0,
        hasExposed,
        serverError: serverError === undefined ? undefined : this.#wire.masked(serverError),
      }
    }
    if (isComplete) return { type: 'accepted' }
    if (name.startsWith('SCRAM-')) {
      throw new LoginError('LOGIN_SERVER_UNPROVEN', { reply, mechanism: name })
    }
    throw new ProtocolError('POP3_OUT_OF_STEP', `the server said +OK before ${name} was done`, {
      serverText: reply.line,
      responseCode: reply.responseCode,
    })
  }

  /** `*` and the -ERR that follows. A server that says anything else does not know what it does. */
  async #cancel(cause: SaslError): Promise<Outcome> {
    const { name, hasExposed } = this.#mechanism
    let event: ProtocolEvent | undefined
    try {
      this.#wire.answer('*')
      event = await this.#wire.event(this.#timeoutMs)
    } catch (error) {
      // Some servers close instead; whoever goes on with this connection will see it.
      if (!isClosed(error)) throw error
    }
    if (event && (event.type !== 'status' || event.ok)) {
      throw new LoginError('LOGIN_CHALLENGE', { mechanism: name, cause })
    }
    return { type: 'cancelled', hasExposed, cause }
  }

  #conceal(line: string, response?: Uint8Array): void {
    this.#wire.conceal(line)
    // The digest is what the answer of CRAM-MD5 ends with.
    if (this.#mechanism.name !== 'CRAM-MD5' || !response) return
    this.#wire.conceal(new TextDecoder().decode(response).slice(-32))
  }
}

/** The connection is gone, without a fault in the protocol. */
export function isClosed(error: unknown): boolean {
  if (error instanceof NetworkError) return error.code === 'NET_CLOSED'
  return error instanceof SessionError
}
