/**
 * One POP3 session as a state machine without I/O: command octets in, actions out.
 *
 *     session.receive(chunk)
 *     for (let action = session.next(); action; action = session.next()) await perform(action)
 *
 * Commands that came in one segment are answered one after another (RFC 2449 section 6.6). After a `login` or `update`
 * action nothing more comes until the host has called back.
 */
import { octetString } from '../pop3/octets.ts'
import type { ServerAction } from './action.ts'
import { AUTHORIZATION_ARGUMENTS, Authorization } from './authorization.ts'
import type { CommandLine } from './command-lines.ts'
import { CommandLines, parseCommandLine, splitArguments } from './command-lines.ts'
import { BAD_COMMANDS, FAILED_LOGINS } from './limits.ts'
import type { MaildropMessage } from './maildrop-source.ts'
import type { Personality } from './personality.ts'
import { err, multiLine, ok, shown } from './reply.ts'
import { TRANSACTION_ARGUMENTS, Transaction } from './transaction.ts'

type State =
  | { readonly type: 'authorization' }
  /** The host checks a claim; `user` for the reply. */
  | { readonly type: 'login'; readonly user: string }
  | { readonly type: 'transaction'; readonly transaction: Transaction }
  | { readonly type: 'update' }
  | { readonly type: 'closed' }

/** Why a claim did not open a maildrop. */
export type LoginRefusal = 'credentials' | 'in use' | 'failed'

export class ServerSession {
  readonly #personality: Personality
  readonly #authorization: Authorization
  readonly #lines = new CommandLines()
  readonly #actions: ServerAction[] = []
  #state: State = { type: 'authorization' }
  #badCommands = 0
  #failedLogins = 0

  /** `timestamp` with its angle brackets; it must differ from connection to connection (RFC 1939 section 7). */
  constructor(options: { readonly personality: Personality; readonly timestamp: string }) {
    this.#personality = options.personality
    this.#authorization = new Authorization(options.personality, options.timestamp)
    this.#write(ok(options.personality.greeting(options.timestamp)))
  }

  get state(): State['type'] {
    return this.#state.type
  }

  /** Takes octets cut anywhere. The view is not kept. */
  receive(octets: Uint8Array): void {
    if (this.#state.type !== 'closed') this.#lines.push(octets)
  }

  /** The next action, or undefined when more octets or a call back are needed. The first one is the greeting. */
  next(): ServerAction | undefined {
    while (this.#actions.length === 0) {
      if (this.#state.type !== 'authorization' && this.#state.type !== 'transaction')
        return undefined
      const line = this.#lines.next()
      if (line === undefined) return undefined
      if (line === 'too long') this.#close(err(this.#personality.lineTooLong()))
      else this.#takeLine(line)
    }
    return this.#actions.shift()
  }

  /** The claim was proven and the maildrop is open. */
  opened(messages: readonly MaildropMessage[]): void {
    if (this.#state.type !== 'login') throw new Error(`opened in state ${this.#state.type}`)
    const transaction = new Transaction(this.#personality, messages)
    const { drop } = transaction
    this.#write(ok(this.#personality.loggedIn(this.#state.user, drop.messages, drop.octets)))
    this.#state = { type: 'transaction', transaction }
  }

  /** The claim was not proven, or the maildrop cannot be had now. The client may try again, a few times. */
  refused(reason: LoginRefusal): void {
    if (this.#state.type !== 'login') throw new Error(`refused in state ${this.#state.type}`)
    const { user } = this.#state
    this.#state = { type: 'authorization' }
    switch (reason) {
      case 'in use':
        this.#write(err(this.#personality.inUse(), 'IN-USE'))
        break
      case 'failed':
        this.#write(err(this.#personality.failed(), 'SYS/TEMP'))
        break
      case 'credentials':
        this.#failedLogins += 1
        this.#write(err(this.#personality.loginRefused(user), 'AUTH'))
        if (this.#failedLogins >= FAILED_LOGINS) this.#close()
    }
  }

  /** The commit asked for by `update` has ended; false if some deleted messages were not removed. */
  updated(isComplete: boolean): void {
    if (this.#state.type !== 'update') throw new Error(`updated in state ${this.#state.type}`)
    this.#close(
      isComplete
        ? ok(this.#personality.signingOff())
        : err(this.#personality.notAllRemoved(), 'SYS/TEMP'),
    )
  }

  #takeLine(line: Uint8Array): void {
    if (this.#state.type === 'authorization' && this.#authorization.isExchanging) {
      this.#act(this.#authorization.respond(octetString(line)))
      return
    }
    const command = parseCommandLine(line)
    if (command === undefined) {
      this.#bad(this.#personality.notPrintable())
      return
    }
    const complaint = this.#complaint(command)
    if (complaint !== undefined) {
      this.#bad(complaint)
      return
    }
    this.#badCommands = 0
    this.#perform(command)
  }

  /** What is wrong with the form of a command, or undefined. */
  #complaint({ keyword, rest }: CommandLine): string | undefined {
    const bounds = this.#bounds(keyword)
    if (bounds === undefined) return this.#personality.unknown(shown(keyword))
    const given = splitArguments(rest).length
    if (given < bounds[0]) return this.#personality.tooFew(keyword)
    if (given > bounds[1]) return this.#personality.tooMany(keyword)
    return undefined
  }

  /** Fewest and most arguments, or undefined if the command is none of this state. */
  #bounds(keyword: string): readonly [number, number] | undefined {
    if (keyword === 'quit' || keyword === 'capa') return [0, 0]
    if (this.#state.type === 'transaction') return TRANSACTION_ARGUMENTS.get(keyword)
    return this.#authorization.knows(keyword) ? AUTHORIZATION_ARGUMENTS.get(keyword) : undefined
  }

  #perform({ keyword, rest }: CommandLine): void {
    if (keyword === 'capa') this.#write(this.#capabilities())
    else if (keyword === 'quit') this.#quit()
    else if (this.#state.type === 'transaction') {
      this.#act(this.#state.transaction.perform(keyword, rest))
    } else {
      this.#act(this.#authorization.perform(keyword, rest))
    }
  }

  /** RFC 1939 sections 4 and 6: only QUIT in the transaction state enters the update state. */
  #quit(): void {
    if (this.#state.type !== 'transaction') {
      this.#close(ok(this.#personality.signingOff()))
      return
    }
    const { deleted, accessed } = this.#state.transaction
    this.#state = { type: 'update' }
    this.#actions.push({ type: 'update', deleted, accessed })
  }

  /** RFC 2449 section 5: what the authorization state has is announced in both states. */
  #capabilities(): Uint8Array {
    return multiLine(this.#personality.capabilities(), [
      'TOP',
      'USER',
      'UIDL',
      'SASL PLAIN',
      'PIPELINING',
      'RESP-CODES',
      'AUTH-RESP-CODE',
      'EXPIRE NEVER',
      `IMPLEMENTATION ${this.#personality.implementation}`,
    ])
  }

  #act(actions: readonly ServerAction[]): void {
    for (const action of actions) {
      if (action.type === 'login') this.#state = { type: 'login', user: shown(action.claim.user) }
      this.#actions.push(action)
    }
  }

  #bad(text: string): void {
    this.#badCommands += 1
    this.#write(err(text))
    if (this.#badCommands >= BAD_COMMANDS) this.#close(err(this.#personality.tooManyErrors()))
  }

  #close(last?: Uint8Array): void {
    if (last !== undefined) this.#write(last)
    this.#actions.push({ type: 'close' })
    this.#state = { type: 'closed' }
    this.#lines.clear()
  }

  #write(octets: Uint8Array): void {
    this.#actions.push({ type: 'write', octets })
  }
}
