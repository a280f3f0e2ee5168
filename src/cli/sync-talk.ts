import type { SyncEvent } from '../sync/ports/events.ts'
import type { AccountResult } from '../sync/report.ts'
import { counted, humanOctets } from './columns.ts'
import { InterruptedError } from './failure.ts'
import { jsonWord } from './json-word.ts'
import type { Output } from './output.ts'
import { barDisplay, type ProgressDisplay, plainDisplay } from './progress.ts'
import { quoted, safe } from './safe.ts'
import { accountRecord, endingOfAccount, previewText, summaryLine } from './sync-report.ts'
import { waitingWords } from './waiting-words.ts'

/** How much a sync says, as its options ask for it. */
export interface TalkOptions {
  readonly json?: boolean | undefined
  readonly quiet?: boolean | undefined
  readonly verbose?: boolean | undefined
  /** One line an account, also where no terminal is. */
  readonly summaries?: boolean | undefined
  readonly progress: 'auto' | 'always' | 'never'
}

/**
 * All that a sync says. Problems are always told. On a terminal there are bars, notices and one line an account; off it
 * nothing, so that cron sends no mail about a good night, unless `verbose`. stdout has what was asked for: the events of
 * `json`, else the plan of a dry run.
 */
export class SyncTalk {
  readonly #output: Output
  readonly #display: ProgressDisplay
  readonly #isTalkative: boolean
  readonly #hasBars: boolean
  readonly #options: TalkOptions
  readonly #deletions = new OpenDeletions()
  /** By what is said of an archive that is gone: its accounts, which are told of together. */
  readonly #vanished = new Map<string, string[]>()
  /** Of a dry run. Held back until the bars are gone: both may be on one terminal. */
  #previews = ''

  private constructor(
    output: Output,
    display: ProgressDisplay,
    options: TalkOptions & { readonly hasBars: boolean },
  ) {
    this.#output = output
    this.#display = display
    this.#options = options
    this.#hasBars = options.hasBars
    const isTerminal = output.stderr.isTTY === true
    this.#isTalkative =
      !options.quiet && (isTerminal || options.verbose === true || options.summaries === true)
  }

  static async open(output: Output, options: TalkOptions, now: () => number): Promise<SyncTalk> {
    const { stderr } = output
    const isWanted = stderr.isTTY === true && !options.quiet
    const hasBars = options.progress === 'always' || (options.progress === 'auto' && isWanted)
    const display = hasBars ? await barDisplay(stderr, now) : plainDisplay(stderr)
    return new SyncTalk(output, display, { ...options, hasBars })
  }

  /** Takes the events of every account, as they come. */
  readonly take = (event: SyncEvent): void => {
    this.#display.take(event)
    this.#deletions.take(event)
    // Octets come by the thousand a second; a script counts the messages.
    if (this.#options.json && event.type !== 'receiving') this.#output.event(eventRecord(event))
    if (event.type === 'notice' && event.isWarning) {
      this.#display.say(`popkeep: ${safe(`${event.account}: ${event.text}`)}`)
      return
    }
    if (!this.#isTalkative) return
    const isTold = this.#options.verbose === true || (event.type === 'waiting' && !this.#hasBars)
    const line = isTold ? verboseLine(event) : noticeLine(event)
    if (line !== undefined) this.#display.say(`${safe(event.account)}: ${line}`)
  }

  /** The account ended: its bar goes, its line or its problem stays; an archive that is gone is told of at the end. Returns its exit code. */
  finished(result: AccountResult): number {
    this.#display.remove(result.account)
    if (result.error === undefined) this.#deletions.settled(result.account)
    const { exit, problem } = endingOfAccount(result)
    if (this.#options.json) this.#output.event(accountRecord(result))
    const isInterrupted = result.error instanceof InterruptedError
    if (problem?.code === 'ARCHIVE_VANISHED') {
      const accounts = this.#vanished.get(problem.sentence) ?? []
      this.#vanished.set(problem.sentence, [...accounts, result.account])
    } else if (problem !== undefined && !isInterrupted) {
      this.#display.say(`popkeep: ${safe(`${result.account}: ${problem.sentence}`)}`)
    }
    if (result.preview !== undefined) {
      if (!this.#options.json) {
        this.#previews += previewText(result, { isBrief: this.#options.quiet === true })
      }
      return exit
    }
    const hasCounts = result.error === undefined || result.counts.retrieved > 0
    if (this.#isTalkative && hasCounts) this.#display.say(summaryLine(result))
    return exit
  }

  /** The run ended. An interruption is told once, not for each account. */
  close(exit: number, interruption: InterruptedError | undefined): void {
    this.stop()
    for (const [sentence, accounts] of this.#vanished) {
      this.#output.problem(`${accounts.sort().join(', ')}: ${sentence}`)
    }
    this.#output.lines(this.#previews)
    if (interruption !== undefined) this.#output.problem(interrupted(this.#deletions.messages))
    if (this.#options.json) this.#output.event({ type: 'summary', exit })
  }

  /** Takes the bars off the terminal. Safe to call twice. */
  stop(): void {
    this.#display.stop()
  }
}

function eventRecord(event: SyncEvent): object {
  return event.type === 'waiting' ? { ...event, reason: jsonWord(event.reason) } : event
}

/** Messages of which nobody knows whether the server has deleted them. */
class OpenDeletions {
  /** By account: DELE may have been sent, and no reply to QUIT came yet. */
  readonly #begun = new Map<string, number>()
  #unconfirmed = 0

  take(event: SyncEvent): void {
    if (event.type === 'deleting') this.#begun.set(event.account, event.messages)
    // Comes behind QUIT, and before whatever else ends the account: the others were told one by one.
    if (event.type === 'notice' && event.code === 'DELETION_REFUSED') this.settled(event.account)
    if (event.type !== 'deleted') return
    this.settled(event.account)
    if (event.quit !== 'done') this.#unconfirmed += 1
  }

  settled(account: string): void {
    this.#begun.delete(account)
  }

  get messages(): number {
    return [...this.#begun.values()].reduce((sum, messages) => sum + messages, this.#unconfirmed)
  }
}

function interrupted(deletions: number): string {
  const stored = 'interrupted; what was stored stays'
  if (deletions === 0) return `${stored}, and nothing was being deleted on the server`
  const what = counted(deletions, 'message')
  const [was, is] = deletions === 1 ? ['was', 'is'] : ['were', 'are']
  return `${stored}. On the server ${what} ${was} being deleted, and may be gone there or not: the next run finds out. What ${is} deleted was in the archive before`
}

function noticeLine(event: SyncEvent): string | undefined {
  return event.type === 'notice' ? safe(event.text) : undefined
}

function verboseLine(event: SyncEvent): string | undefined {
  switch (event.type) {
    case 'connecting':
      return 'connecting'
    case 'plan': {
      const { listed, known, retrieve, octets } = event
      const what = `${counted(retrieve, 'message')} (${humanOctets(octets)}) to retrieve`
      const deletes = event.delete > 0 ? `, ${event.delete.toLocaleString('en-US')} to delete` : ''
      return `${counted(listed, 'message')} listed, ${known.toLocaleString('en-US')} known, ${what}${deletes}`
    }
    case 'refused':
      return `message ${event.messageNumber} refused: ${quoted(event.text)}`
    case 'waiting':
      return waitingText(event)
    case 'deleting':
      return `deleting ${counted(event.messages, 'message')} on the server`
    case 'deleted':
      return deletedText(event)
    case 'listing':
    case 'receiving':
    case 'stored':
      return undefined
    case 'notice':
      return noticeLine(event)
  }
}

function waitingText({ until, reason, cause }: Extract<SyncEvent, { type: 'waiting' }>): string {
  const words = waitingWords(until, reason)
  return cause === undefined ? words : `${words}: ${safe(cause)}`
}

function deletedText(event: Extract<SyncEvent, { type: 'deleted' }>): string {
  const { uniqueId, octets, digest, quit } = event
  const what = `${safe(uniqueId ?? 'a message without unique-id')} (${octets ?? '?'} octets)`
  const where = digest === undefined ? 'which you removed from the archive' : `kept as ${digest}`
  const isSure = quit === 'done' ? 'deleted' : 'deletion not confirmed:'
  return `${isSure} ${what}, ${where}`
}
