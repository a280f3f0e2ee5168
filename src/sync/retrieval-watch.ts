/** Watches what one session retrieves: how far it came, what it broke at, and when it is to stop asking. */
import type { ListedMessage } from '../pop3/listing.ts'
import { codeOf } from './errors.ts'
import type { MaildropSession, MessageReceiver } from './ports/maildrop.ts'

export interface WatchOptions {
  /** Asked before each message. */
  readonly mayGoOn: () => boolean
  /** Hears the octets of messages as they come in. */
  readonly onOctets: (octets: number) => void
}

/** The message that a session broke at. */
export interface BrokenRow {
  readonly row: ListedMessage
  /** It ended before its listed octets, and what came behind it was no reply. */
  readonly isAstray: boolean
}

/** What the rest of a message shows as, where replies are expected. */
const ASTRAY: ReadonlySet<string> = new Set(['POP3_OUT_OF_STEP', 'POP3_TEMPORARY'])

/** Stands before a session while messages are retrieved. */
export class RetrievalWatch {
  readonly #session: Pick<MaildropSession, 'pipelined' | 'retrieve'>
  readonly #options: WatchOptions
  /** Asked for and not answered in full, in their order; no more than the window holds. */
  readonly #outstanding: ListedMessage[] = []
  readonly #handedOver: number[] = []
  #short: ListedMessage | undefined
  #isProven = false
  #messages = 0
  #octets = 0

  constructor(session: Pick<MaildropSession, 'pipelined' | 'retrieve'>, options: WatchOptions) {
    this.#session = session
    this.#options = options
  }

  get pipelined(): boolean {
    return this.#session.pipelined
  }

  /** It was shown that replies belong to their commands. */
  get isProven(): boolean {
    return this.#isProven
  }

  /**
   * The message at which the session broke with this error: the one that was being retrieved. But one with a line that seemed
   * to end it goes on where the next replies should be: then it is the first, since these were last shown to belong to
   * their commands, that came short.
   */
  brokenAt(error: unknown): BrokenRow | undefined {
    if (this.#short && ASTRAY.has(codeOf(error))) return { row: this.#short, isAstray: true }
    const [row] = this.#outstanding
    return row && { row, isAstray: false }
  }

  /** Messages that were answered in full, and their octets as listed. */
  get answered(): { readonly messages: number; readonly octets: number } {
    return { messages: this.#messages, octets: this.#octets }
  }

  /** Message numbers of rows whose RETR was accepted: a server may delete them at QUIT, unasked, whatever became of them here. */
  get handedOver(): readonly number[] {
    return this.#handedOver
  }

  /** So many rows that were answered are to be asked for once more. */
  readonly doubted = (rows: number): void => {
    this.#messages -= rows
  }

  /** As the session's own; rows for which `mayGoOn` said no are left out, together with all that follow. */
  async retrieve(rows: Iterable<ListedMessage>, receiver: MessageReceiver): Promise<void> {
    await this.#session.retrieve(this.#asked(rows), {
      begin: (row) => {
        const sink = receiver.begin(row)
        this.#handedOver.push(row.messageNumber)
        let came = 0
        return {
          write: (octets) => {
            came += octets.length
            this.#options.onOctets(octets.length)
            return sink.write(octets)
          },
          end: () => {
            if (came < (row.octets ?? 0)) this.#short ??= row
            this.#answered(row)
            return sink.end()
          },
          abandon: () => sink.abandon(),
        }
      },
      refused: (row, error) => {
        this.#answered(row)
        receiver.refused(row, error)
      },
      inStep: () => {
        this.#isProven = true
        this.#short = undefined
        receiver.inStep()
      },
    })
  }

  *#asked(rows: Iterable<ListedMessage>): Iterable<ListedMessage> {
    for (const row of rows) {
      if (!this.#options.mayGoOn()) return
      this.#outstanding.push(row)
      yield row
    }
  }

  #answered(row: ListedMessage): void {
    this.#outstanding.shift()
    this.#messages += 1
    this.#octets += row.octets ?? 0
  }
}
