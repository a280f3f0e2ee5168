/** `verify --against`, from the options to the lines and the exit code. */

import { shellWord } from '../accounts/login-command.ts'
import { isPopUrl } from '../accounts/pop-url.ts'
import {
  isListedDamage,
  isListedKept,
  ListedCheck,
  type ListedVerdict,
} from '../archive/listed-check.ts'
import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import { compareWithServer, judgeListing } from '../sync/against.ts'
import type { PlannedRow } from '../sync/plan.ts'
import type { Maildrop } from '../sync/ports/maildrop.ts'
import { openKnown } from './archives.ts'
import { counted } from './columns.ts'
import { composeSync, openLedger, type SyncTask } from './compose.ts'
import type { CommandContext } from './context.ts'
import { DamageLines } from './damage-lines.ts'
import { interruptibly } from './interruption.ts'
import { jsonWord } from './json-word.ts'
import { jsonLine, quoted, safe } from './safe.ts'
import type { ServerOptions } from './server-options.ts'
import { markedHint, repairHint } from './verify-lines.ts'

export interface AgainstOptions extends ServerOptions {
  readonly archive?: string
  readonly account?: string
  readonly json?: true
}

/** Returns the exit code: 65 if a listed message is damaged, 1 if one is not kept, else 0. Throws what the session throws. */
export async function verifyAgainst(
  target: string,
  options: AgainstOptions,
  context: CommandContext,
): Promise<number> {
  const { signals, quit } = context
  return await interruptibly(signals, quit, async (signal) => {
    const { tasks, close } = composeSync([target], { ...options, progress: 'never' }, context)
    try {
      const [task] = tasks
      if (task === undefined) throw new Error('an account that was named is no task')
      const maildrop = await task.prepare(signal)
      return await compareTask({ target, task }, maildrop, { options, context, signal })
    } finally {
      close()
    }
  })
}

interface Surroundings {
  readonly options: AgainstOptions
  readonly context: CommandContext
  readonly signal: AbortSignal
}

async function compareTask(
  { target, task }: { readonly target: string; readonly task: SyncTask },
  maildrop: Maildrop,
  { options, context, signal }: Surroundings,
): Promise<number> {
  // Opened first: without an archive there is nothing to log in for.
  const reader = openKnown(task.location, context)
  const ledger = openLedger(task)
  try {
    const { policy } = task
    const listing = await compareWithServer({ maildrop, policy, signal, now: context.now }, ledger)
    const check = new ListedCheck(reader, ledger.renamedFrom ?? ledger.account)
    const lines = new ListedLines(task.identity.name)
    const wrong = new DamageLines(context.output, '--json lists all')
    for (const { planned, verdict } of judgeListing<ListedVerdict>(listing, check)) {
      signal.throwIfAborted()
      lines.add(verdict)
      if (verdict.kind === 'kept') continue
      if (options.json) await context.output.data(lines.json(planned, verdict))
      else if (verdict.kind !== 'removed') {
        wrong.say(verdict.kind, (name) => lines.sentence(planned, verdict, name))
      }
    }
    wrong.close(task.identity.name, (kind) => WORDS[kind as ListedVerdict['kind']])
    const isByHeader = listing.strangers !== undefined
    await context.output.data(options.json ? lines.summary(isByHeader) : lines.line(isByHeader))
    if (listing.strangers?.size) context.output.problem(STRANGER_HINT)
    const sync = syncCommand(target, task.location, options)
    for (const advice of lines.advice(sync, task.location)) context.output.problem(advice)
    return lines.exit
  } finally {
    ledger.close()
    reader.close()
  }
}

const STRANGER_HINT =
  'sync retrieves no other message under a known unique-id; before you close the account, retrieve all once more: popkeep sync POP-URL --account ANOTHER-NAME'

/** The sync that goes with this verification, as it is typed. */
function syncCommand(target: string, location: ArchiveLocation, options: AgainstOptions): string {
  const { account, archive, config, tls } = options
  const words = {
    '--config': config,
    '--account': account,
    '--tls': tls,
    '--archive': isPopUrl(target) || archive !== undefined ? formatLocation(location) : undefined,
  }
  const given = Object.entries(words).flatMap(([option, value]) =>
    value === undefined ? [] : [option, shellWord(value)],
  )
  return ['popkeep sync', shellWord(target), ...given].join(' ')
}

const WORDS: Readonly<Record<ListedVerdict['kind'], string>> = {
  kept: 'kept',
  short: 'kept, but shorter than listed',
  removed: 'removed by you',
  'not retrieved': 'not retrieved yet',
  'another message': 'another than the archive has under this unique-id',
  quarantined: 'refused by the server',
  altered: 'altered in the archive',
  missing: 'missing in the archive',
  damaged: 'unreadable in the archive',
}

class ListedLines {
  readonly #account: string
  readonly #counts = new Map<ListedVerdict['kind'], number>()
  /** Of what is damaged: marked by a repair. */
  #marked = 0
  #listed = 0
  #exit = 0

  constructor(account: string) {
    this.#account = account
  }

  get exit(): number {
    return this.#exit
  }

  add(verdict: ListedVerdict): void {
    this.#listed += 1
    this.#counts.set(verdict.kind, (this.#counts.get(verdict.kind) ?? 0) + 1)
    if (verdict.wanted) this.#marked += 1
    if (isListedDamage(verdict)) this.#exit = 65
    else if (!isListedKept(verdict) && this.#exit === 0) this.#exit = 1
  }

  json({ row }: PlannedRow, { kind, id, text }: ListedVerdict): string {
    const { messageNumber, uniqueId, octets } = row
    return jsonLine({
      type: 'listed',
      account: this.#account,
      messageNumber,
      uniqueId: uniqueId ?? null,
      octets: octets ?? null,
      kind: jsonWord(kind),
      id: id ?? null,
      ...(text === undefined ? {} : { text }),
    })
  }

  /** What to do next: for each thing that is wrong the one step that helps. `sync`: how this account is synced. */
  *advice(sync: string, location: ArchiveLocation): Iterable<string> {
    const damaged = this.#count('altered') + this.#count('missing') + this.#count('damaged')
    if (damaged > this.#marked) yield repairHint(location)
    if (this.#marked > 0) yield markedHint(sync, location)
    if (this.#count('not retrieved') > 0) yield `${sync} retrieves what is not retrieved yet.`
    if (this.#count('quarantined') > 0) {
      yield `${sync} --retry-quarantined asks once more for what the server refused.`
    }
  }

  /** `name` says which message an id means. */
  sentence(
    { row }: PlannedRow,
    { kind, id, text }: ListedVerdict,
    name: (id: string) => string,
  ): string {
    const { messageNumber, uniqueId } = row
    const named = uniqueId === undefined ? '' : ` (${safe(uniqueId)})`
    const said = text === undefined || text === '' ? '' : `: ${quoted(text)}`
    const which = id === undefined ? '' : `, ${name(id)}`
    return `${this.#account}: message ${messageNumber}${named} is ${WORDS[kind]}${which}${said}`
  }

  summary(isByHeader: boolean): string {
    const counts = Object.keys(WORDS).map((kind) => [jsonWord(kind), this.#count(kind)] as const)
    return jsonLine({
      type: 'summary',
      account: this.#account,
      listed: this.#listed,
      headersCompared: isByHeader,
      ...Object.fromEntries(counts),
    })
  }

  line(isByHeader: boolean): string {
    const parts = Object.entries(WORDS).flatMap(([kind, words]) => {
      const count = this.#count(kind)
      return count > 0 ? [`${count.toLocaleString('en-US')} ${words}`] : []
    })
    return `${safe(this.#account)}: ${[`${counted(this.#listed, 'message')} listed`, ...parts].join(', ')}${isByHeader ? '' : ' (headers not compared: the server has no TOP)'}\n`
  }

  #count(kind: string): number {
    return this.#counts.get(kind as ListedVerdict['kind']) ?? 0
  }
}
