import type { Capabilities } from '../pop3/capabilities.ts'
import { encodeCommand } from '../pop3/command.ts'
import { ArgumentError } from '../pop3/errors.ts'
import { LOGIN_ATTEMPTS } from '../pop3/limits.ts'
import { isAscii } from '../pop3/octets.ts'
import type { ChannelBinding } from '../sasl/gs2-header.ts'
import type { Credential } from './credential.ts'
import type { Greeted } from './greeting.ts'
import { bindingFlag, type Circumstances, chooseMechanisms, whyNone } from './mechanisms.ts'
import { isAboutForm, isAboutMechanism, isNoSuchWay, LoginError, refusedLogin } from './refusal.ts'
import { exchange, isClosed, type Outcome, type Refused } from './sasl-exchange.ts'
import { type SaslForm, type SaslParts, saslForms, saslMechanism } from './sasl-forms.ts'
import type { Timeouts } from './timeouts.ts'
import { apop, userPass } from './user-login.ts'

export interface LoginOptions {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly credential: Credential
  readonly auth: string | undefined
  readonly timeouts: Timeouts
  readonly signal: AbortSignal
}

/** A connection to log in on. */
export interface Ground {
  readonly greeted: Greeted
  readonly announced: Capabilities
  /** The timestamp for APOP, if there is one that may be used. */
  readonly stamp: string | undefined
}

interface Way {
  readonly mechanism: string
  readonly form: SaslForm | 'commands'
}

/** Connections besides the first that a refusal may cost, where the server closes behind it. */
const MOVES = 1

/**
 * Gets the token, and refuses what cannot be sent. Throws ArgumentError (POP3_ARGUMENT), or what the source of tokens
 * throws; nothing is connected yet.
 */
export async function beginLogin(options: LoginOptions): Promise<Login> {
  const { user, credential, signal } = options
  encodeCommand({ keyword: 'USER', user })
  if (credential.type === 'password') {
    encodeCommand({ keyword: 'PASS', secret: credential.secret })
    return new Login(options, credential.secret)
  }
  if (credential.type === 'certificate') return new Login(options, '')
  const token = await credential.token(signal)
  saslMechanism('XOAUTH2', { ...options, secret: token, binding: { flag: 'n' } })
  return new Login(options, token)
}

/**
 * One login, on as many connections as it takes. The password is tried once: where a mechanism is refused before
 * anything derived from the password was sent, the next follows; afterwards none does, but for the other form of the
 * same mechanism where the words are about the form.
 */
export class Login {
  readonly #options: LoginOptions
  #secret: string
  #attempts = 0
  #moves = 0
  #hasExposed = false
  #isRenewed = false
  /** Mechanism and form. */
  readonly #tried = new Set<string>()
  readonly #refused = new Set<string>()
  #isScramUseless = false
  #refusal: LoginError | undefined

  constructor(options: LoginOptions, secret: string) {
    this.#options = options
    this.#secret = secret
  }

  /** Password or token that the next attempt sends; empty with a certificate. To be masked wherever it comes back. */
  get secret(): string {
    return this.#secret
  }

  /**
   * Tries what is left to try. Returns the mechanism that was accepted; undefined if another connection is needed, at
   * most twice. Throws LoginError, ArgumentError, or what ends the connection.
   */
  async on(ground: Ground): Promise<string | undefined> {
    const { wire } = ground.greeted
    let isFresh = true
    for (let way = this.#next(ground, isFresh); way; way = this.#next(ground, isFresh)) {
      const heard = wire.heard
      try {
        const outcome = await this.#attempt(way, ground)
        if (outcome.type === 'accepted') return way.mechanism
        if (await this.#renewed(outcome, way, ground)) return undefined
        this.#goOn(outcome, way, ground)
      } catch (error) {
        // Many servers close behind -ERR; what they said there tells more than that.
        const wasOver = !isFresh && wire.heard === heard && isClosed(error)
        if (!wasOver) throw error
        if (this.#moves === MOVES) throw this.#refusal ?? error
        this.#moves += 1
        return undefined
      }
      isFresh = false
    }
    throw this.#refusal ?? this.#noWay(ground)
  }

  #next(ground: Ground, isFresh: boolean): Way | undefined {
    if (this.#attempts >= LOGIN_ATTEMPTS) return undefined
    for (const mechanism of this.#candidates(ground)) {
      if (this.#refused.has(mechanism)) continue
      const form = this.#formsOf(mechanism, ground, isFresh).find(
        (candidate) => !this.#tried.has(`${mechanism} ${candidate}`),
      )
      if (form) return { mechanism, form }
    }
    return undefined
  }

  /**
   * Behind a SCRAM that was refused for this user the others come last: servers count each refusal, and whatever they have
   * stored for him suits PLAIN. Not in clear text, where each of them is better than PLAIN.
   */
  #candidates(ground: Ground): readonly string[] {
    const candidates = chooseMechanisms(this.#circumstances(ground))
    if (!this.#isScramUseless || !ground.greeted.connection.isEncrypted) return candidates
    return [...candidates.filter((name) => !isScram(name)), ...candidates.filter(isScram)]
  }

  #formsOf(mechanism: string, ground: Ground, isFresh: boolean): readonly Way['form'][] {
    if (mechanism === 'USER' || mechanism === 'APOP') return ['commands']
    // A connection that may be closing gets no password before it has answered.
    if (mechanism === 'PLAIN' && !isFresh) return ['steps']
    try {
      return saslForms(mechanism, this.#parts(mechanism, ground))
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error
      this.#refusal ??= new LoginError('LOGIN_NO_MECHANISM', {
        mechanism,
        reason: `: ${error.message}`,
      })
      return []
    }
  }

  async #attempt({ mechanism, form }: Way, ground: Ground): Promise<Outcome> {
    const { user, timeouts } = this.#options
    const { wire } = ground.greeted
    this.#attempts += 1
    if (form === 'commands') {
      const secret = this.#secret
      return mechanism === 'USER'
        ? userPass(wire, { user, secret, timeouts })
        : apop(wire, { user, secret, stamp: ground.stamp ?? '', timeouts })
    }
    const parts = this.#parts(mechanism, ground)
    return exchange(wire, saslMechanism(mechanism, parts), { form, timeoutMs: timeouts.login })
  }

  /** Notes what was refused; throws if nothing else may be tried. */
  #goOn(outcome: Exclude<Outcome, { type: 'accepted' }>, way: Way, ground: Ground): void {
    const { mechanism, form } = way
    this.#hasExposed ||= outcome.hasExposed
    this.#tried.add(`${mechanism} ${form}`)
    if (outcome.type === 'cancelled') {
      const { cause } = outcome
      this.#refusal = new LoginError('LOGIN_CHALLENGE', { mechanism, cause })
      if (this.#hasExposed) throw this.#refusal
      this.#refused.add(mechanism)
      return
    }
    this.#refusal = this.#errorOf(outcome, way, ground)
    if (mayChangeForm(outcome, way)) return
    if (this.#hasExposed || !isAboutMechanism(outcome.reply)) throw this.#refusal
    this.#isScramUseless ||= isScram(mechanism) && !isNoSuchWay(outcome.reply)
    this.#refused.add(mechanism)
  }

  /** Another token in the place of one that was refused; then all begins again on a new connection. */
  async #renewed(
    outcome: Exclude<Outcome, { type: 'accepted' }>,
    way: Way,
    ground: Ground,
  ): Promise<boolean> {
    const { credential, signal } = this.#options
    if (credential.type !== 'token' || outcome.type !== 'refused') return false
    const isWorn =
      outcome.hasExposed && this.#errorOf(outcome, way, ground).code === 'LOGIN_REFUSED'
    if (!isWorn || this.#isRenewed) return false
    this.#isRenewed = true
    // Getting a token takes longer than some servers wait.
    ground.greeted.wire.close()
    const token = await credential.renew?.(this.#secret, signal)
    if (token === undefined || token === this.#secret) return false
    this.#secret = token
    return true
  }

  #errorOf(outcome: Refused, { mechanism }: Way, { announced }: Ground): LoginError {
    const { reply, serverError, hasExposed, isAtOnce } = outcome
    const hasAuthCode = announced.has('AUTH-RESP-CODE')
    const isAboutSecret = hasExposed && !isAtOnce
    return refusedLogin(reply, { mechanism, serverError, isAboutSecret, hasAuthCode })
  }

  #parts(mechanism: string, { greeted, announced }: Ground): SaslParts {
    const { user, host, port } = this.#options
    const data = greeted.connection.channelBinding()
    const flag = bindingFlag(mechanism, { announced, canBind: data !== undefined })
    const binding: ChannelBinding =
      flag === 'p'
        ? { flag, type: data?.type ?? '', data: data?.data ?? new Uint8Array() }
        : { flag }
    return { user, secret: this.#secret, host, port, binding }
  }

  #circumstances({ greeted, announced, stamp }: Ground): Circumstances {
    const { user, credential, auth } = this.#options
    return {
      ...{ credential: credential.type, auth, announced },
      isEncrypted: greeted.connection.isEncrypted,
      canBind: greeted.connection.channelBinding() !== undefined,
      isAscii: isAscii(user) && isAscii(this.#secret),
      hasStamp: stamp !== undefined,
    }
  }

  #noWay(ground: Ground): LoginError {
    const why = whyNone(this.#circumstances(ground))
    return new LoginError('LOGIN_NO_MECHANISM', {
      mechanism: this.#options.auth,
      reason: why === undefined ? undefined : `: ${why}`,
    })
  }
}

/**
 * Whether the same mechanism may be sent in its other form: once in two steps where the line was refused for its form,
 * though that is the second time that the password goes out; a token once in the line where AUTH alone was refused.
 */
function mayChangeForm(refused: Refused, { mechanism, form }: Way): boolean {
  const { reply, isAtOnce, hasExposed } = refused
  if (!isAtOnce || (isNoSuchWay(reply) && !hasExposed)) return false
  const isToken = mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER'
  if (isToken) return form === 'steps' && isAboutMechanism(reply)
  return form === 'line' && isAboutForm(reply)
}

function isScram(mechanism: string): boolean {
  return mechanism.startsWith('SCRAM-')
}
