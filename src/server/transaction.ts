/**
 * The transaction state (RFC 1939 section 5): one session's view of an open maildrop. No I/O.
 */
import type { ServerAction } from './action.ts'
import { splitArguments } from './command-lines.ts'
import type { MaildropMessage } from './maildrop-source.ts'
import type { Personality } from './personality.ts'
import { err, multiLine, ok, shown } from './reply.ts'

/** Fewest and most arguments of each command of this state but QUIT and CAPA. */
export const TRANSACTION_ARGUMENTS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ['stat', [0, 0]],
  ['list', [0, 1]],
  ['retr', [1, 1]],
  ['dele', [1, 1]],
  ['noop', [0, 0]],
  ['last', [0, 0]],
  ['rset', [0, 0]],
  ['top', [2, 2]],
  ['uidl', [0, 1]],
])

export class Transaction {
  readonly #personality: Personality
  readonly #messages: readonly MaildropMessage[]
  readonly #deleted = new Set<MaildropMessage>()
  /** Retrieved in this session, besides those that carry the mark from earlier ones. */
  readonly #accessed = new Set<MaildropMessage>()

  constructor(personality: Personality, messages: readonly MaildropMessage[]) {
    this.#personality = personality
    this.#messages = messages
  }

  /** Not deleted messages and the sum of their octets, for STAT and its kin. */
  get drop(): { readonly messages: number; readonly octets: number } {
    let messages = 0
    let octets = 0
    for (const [, message] of this.#present()) {
      messages += 1
      octets += message.octets
    }
    return { messages, octets }
  }

  get deleted(): readonly MaildropMessage[] {
    return [...this.#deleted]
  }

  /** Messages that stay and were accessed, now or in earlier sessions. */
  get accessed(): readonly MaildropMessage[] {
    return this.#messages.filter(
      (message) => this.#isAccessed(message) && !this.#deleted.has(message),
    )
  }

  /** Performs a command of TRANSACTION_ARGUMENTS whose arguments have been counted. */
  perform(keyword: string, rest: string | undefined): readonly ServerAction[] {
    const [first, second = ''] = splitArguments(rest)
    switch (keyword) {
      case 'stat':
        return this.#say(this.#personality.stat(this.drop.messages, this.drop.octets))
      case 'list':
        return first === undefined
          ? [
              write(
                multiLine(
                  this.#personality.list(this.drop.messages, this.drop.octets),
                  this.#scan(),
                ),
              ),
            ]
          : this.#with(first, (message, n) => this.#say(`${n} ${message.octets}`))
      case 'uidl':
        return first === undefined
          ? [write(multiLine(this.#personality.uniqueIds(), this.#uniqueIds()))]
          : this.#with(first, (message, n) => this.#say(`${n} ${message.uniqueId}`))
      case 'retr':
        return this.#with(first, (message) => this.#retrieve(message))
      case 'top':
        return this.#with(first, (message) => this.#top(message, second))
      case 'dele':
        return this.#delete(first)
      case 'last':
        return this.#say(this.#personality.last(this.#last()))
      case 'rset':
        return this.#reset()
      default:
        return this.#say(this.#personality.noop())
    }
  }

  #retrieve(message: MaildropMessage): readonly ServerAction[] {
    this.#accessed.add(message)
    return [
      ...this.#say(this.#personality.retrieving(message.octets)),
      { type: 'message', message, bodyLines: undefined },
    ]
  }

  /** TOP is no access: LAST counts what was retrieved whole. */
  #top(message: MaildropMessage, lines: string): readonly ServerAction[] {
    const bodyLines = parseNumber(lines)
    if (bodyLines === undefined) return this.#refuse(this.#personality.notNumber(shown(lines)))
    return [...this.#say(this.#personality.top()), { type: 'message', message, bodyLines }]
  }

  #delete(argument: string | undefined): readonly ServerAction[] {
    const n = parseNumber(argument)
    const message = n === undefined ? undefined : this.#messages[n - 1]
    if (n !== undefined && message !== undefined && this.#deleted.has(message)) {
      return this.#refuse(this.#personality.alreadyDeleted(n))
    }
    return this.#with(argument, (present, number) => {
      this.#deleted.add(present)
      return this.#say(this.#personality.deleted(number))
    })
  }

  /** RFC 1460: RSET also takes LAST back to where the session found it. */
  #reset(): readonly ServerAction[] {
    this.#deleted.clear()
    this.#accessed.clear()
    return this.#say(this.#personality.reset(this.drop.messages, this.drop.octets))
  }

  #last(): number {
    return this.#messages.findLastIndex((message) => this.#isAccessed(message)) + 1
  }

  #isAccessed(message: MaildropMessage): boolean {
    return message.accessed || this.#accessed.has(message)
  }

  #with(
    argument: string | undefined,
    act: (message: MaildropMessage, messageNumber: number) => readonly ServerAction[],
  ): readonly ServerAction[] {
    const messageNumber = parseNumber(argument)
    if (messageNumber === undefined) {
      return this.#refuse(this.#personality.notNumber(shown(argument ?? '')))
    }
    const message = this.#messages[messageNumber - 1]
    if (message === undefined) return this.#refuse(this.#personality.noSuchMessage(messageNumber))
    if (this.#deleted.has(message)) return this.#refuse(this.#personality.deleted(messageNumber))
    return act(message, messageNumber)
  }

  *#present(): Generator<readonly [number, MaildropMessage]> {
    for (const [index, message] of this.#messages.entries()) {
      if (!this.#deleted.has(message)) yield [index + 1, message]
    }
  }

  *#scan(): Generator<string> {
    for (const [n, message] of this.#present()) yield `${n} ${message.octets}`
  }

  *#uniqueIds(): Generator<string> {
    for (const [n, message] of this.#present()) yield `${n} ${message.uniqueId}`
  }

  #say(text: string): readonly ServerAction[] {
    return [write(ok(text))]
  }

  #refuse(text: string): readonly ServerAction[] {
    return [write(err(text))]
  }
}

/** Decimal digits, at most nine; undefined otherwise. */
function parseNumber(argument: string | undefined): number | undefined {
  return argument !== undefined && /^\d{1,9}$/.test(argument) ? Number(argument) : undefined
}

function write(octets: Uint8Array): ServerAction {
  return { type: 'write', octets }
}
