import { type Capabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'
import { apopStamp } from '../sasl/apop.ts'
import type { Credential } from './credential.ts'
import {
  type Greeted,
  greet,
  isClosedByCapa,
  readCapabilities,
  type ServerOptions,
} from './greeting.ts'
import { beginLogin, type Login } from './login.ts'
import { Session, type SessionFacts } from './session.ts'
import { TIMEOUTS, type Timeouts } from './timeouts.ts'
import type { Wire } from './wire.ts'

export type { Credential } from './credential.ts'

export interface MaildropOptions extends ServerOptions {
  readonly user: string
  readonly credential: Credential
  /** One of SUPPORTED_MECHANISMS, which is then the only one. Undefined: the best that the server announces. */
  readonly auth?: string | undefined
  /** False: one command at a time, whatever the server announces. */
  readonly pipelining: boolean
  /** At most so many commands outstanding, and messages between two proofs that the session is in step. */
  readonly window?: number | undefined
}

/** A maildrop at a server. Nothing happens before `open`. It remembers the timestamps of all its greetings. */
export function createMaildrop(options: MaildropOptions): {
  /**
   * Connects, logs in and reads the capabilities; `manner` counts before what the maildrop was created with. The signal closes
   * the session, also after this has settled. Throws ArgumentError before it connects; then NetworkError, ProtocolError,
   * SessionError, LoginError, what the source of tokens throws, or the signal's reason.
   */
  open(
    signal: AbortSignal,
    manner?: Partial<Pick<MaildropOptions, 'pipelining' | 'window'>>,
  ): Promise<Session>
} {
  const seenStamps = new Set<string>()
  return {
    open: async (signal, manner) => {
      const opening = new Opening({ ...options, ...manner }, seenStamps, signal)
      const { wire, facts } = await opening.run()
      return new Session(wire, facts)
    },
  }
}

/** A connection in the transaction state, and how it got there. */
export interface Opened {
  readonly wire: Wire
  readonly facts: SessionFacts
}

/** As `open` of a maildrop, for those who have more to ask than a session does. */
export function openMaildrop(options: MaildropOptions, signal: AbortSignal): Promise<Opened> {
  return new Opening(options, new Set(), signal).run()
}

/** The way to a session, which may take several connections. */
class Opening {
  readonly #options: MaildropOptions
  readonly #timeouts: Timeouts
  readonly #seenStamps: Set<string>
  readonly #signal: AbortSignal
  #asksCapa = true

  constructor(options: MaildropOptions, seenStamps: Set<string>, signal: AbortSignal) {
    this.#options = options
    this.#timeouts = { ...TIMEOUTS, ...options.timeouts }
    this.#seenStamps = seenStamps
    this.#signal = signal
  }

  async run(): Promise<Opened> {
    const { host, port, user, credential, auth } = this.#options
    const login = await beginLogin({
      ...{ host, port, user, credential, auth: auth?.toUpperCase() },
      ...{ timeouts: this.#timeouts, signal: this.#signal },
    })
    for (;;) {
      const greeted = await greet(this.#options, this.#signal, [login.secret])
      try {
        const opened = await this.#on(greeted, login)
        if (opened) return opened
        greeted.wire.close()
      } catch (error) {
        greeted.wire.close(error)
        throw error
      }
    }
  }

  /** Undefined: another connection is needed. */
  async #on(greeted: Greeted, login: Login): Promise<Opened | undefined> {
    const stamp = this.#freshStamp(greeted.greeting)
    const before = this.#asksCapa ? await this.#capabilities(greeted) : NO_CAPABILITIES
    if (!before) return undefined
    if (before.has('UTF8')) {
      // RFC 6856 section 2.1. Whether it is refused makes no difference to what follows.
      await greeted.wire.ask({ keyword: 'UTF8' }, this.#timeouts.command)
    }
    const mechanism = await login.on({ greeted, announced: before, stamp })
    return mechanism === undefined ? undefined : this.#opened(greeted, mechanism, before)
  }

  /** Old servers close, or hang, on commands that they do not know: undefined then, and CAPA is not sent again. */
  async #capabilities({ wire }: Greeted): Promise<Capabilities | undefined> {
    try {
      return await readCapabilities(wire, this.#timeouts)
    } catch (error) {
      if (!isClosedByCapa(error)) throw error
      this.#asksCapa = false
      return undefined
    }
  }

  /** Asks for the capabilities again, which may differ after login: Gmail announces PIPELINING only then. */
  async #opened({ wire }: Greeted, mechanism: string, announced: Capabilities): Promise<Opened> {
    const after = this.#asksCapa ? await readCapabilities(wire, this.#timeouts) : undefined
    return {
      wire,
      facts: {
        before: this.#asksCapa ? announced : undefined,
        after,
        mechanism,
        pipelined: this.#options.pipelining && after?.has('PIPELINING') === true,
        window: this.#options.window,
        timeouts: this.#timeouts,
      },
    }
  }

  /** A stamp that comes twice is one that somebody else may have chosen (CVE-2007-1558). */
  #freshStamp(greeting: string | undefined): string | undefined {
    const stamp = greeting === undefined ? undefined : apopStamp(greeting)
    if (stamp === undefined || this.#seenStamps.has(stamp)) return undefined
    this.#seenStamps.add(stamp)
    return stamp
  }
}
