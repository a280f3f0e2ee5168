import { setImmediate } from 'node:timers/promises'
import { UsageError } from '../accounts/errors.ts'
import { type ExportTarget, exportMessages } from '../archive/export.ts'
import type { ExportFinding } from '../archive/export-messages.ts'
import { requireAccount, withReaders } from './archives.ts'
import { counted, humanOctets } from './columns.ts'
import type { CommandContext } from './context.ts'
import { exportTarget, targetWords } from './export-target.ts'
import { interruptibly } from './interruption.ts'
import type { ArchiveOptions } from './option-values.ts'
import type { Output } from './output.ts'
import { safe } from './safe.ts'

export interface ExportOptions extends ArchiveOptions {
  readonly format?: 'eml' | 'mbox' | 'maildir'
  readonly account?: string
}

/** Exports, and ends with 73 if a source is gone, with 65 if one is damaged, with 1 if something else was in the way. */
export async function runExport(
  destination: string,
  options: ExportOptions,
  context: CommandContext,
): Promise<void> {
  const target = exportTarget(destination, options.format)
  const tally = new ExportTally(context.output)
  await withReaders(options, context, async (readers) => {
    if (target.type === 'tree' && target.format === 'mbox' && readers.length > 1) {
      throw new UsageError('an mbox holds one archive: name it by --archive')
    }
    const { account } = options
    requireAccount(readers, account)
    await interruptibly(context.signals, context.quit, async (signal) => {
      for (const reader of readers) {
        for (const finding of exportMessages(reader, target, { account })) {
          tally.add(finding)
          // Signals are heard between turns of the event loop only. Leaving the loop takes half-written files away.
          await setImmediate()
          signal.throwIfAborted()
        }
      }
    })
    tally.close(destination, target)
    context.end(tally.exit)
  })
}

/** Counts what became of the messages and tells what went wrong. */
class ExportTally {
  readonly #output: Output
  readonly #counts = { written: 0, present: 0, removed: 0, damaged: 0, conflict: 0 }
  #octets = 0

  constructor(output: Output) {
    this.#output = output
  }

  get exit(): number {
    if (this.#counts.damaged > 0) return 65
    return this.#counts.conflict > 0 ? 1 : 0
  }

  add({ kind, id, octets, text }: ExportFinding): void {
    this.#counts[kind] += 1
    if (kind === 'written') this.#octets += octets
    if (kind === 'damaged') {
      const why = text === undefined ? '' : `: ${text}`
      this.#output.problem(`message ${id} is damaged in the archive and was not exported${why}.`)
    }
    if (kind === 'conflict') {
      this.#output.problem(`message ${id}: something else has its name there, and was left alone.`)
    }
  }

  /** Says what was done. */
  close(destination: string, target: ExportTarget): void {
    const { written, present, removed } = this.#counts
    const parts = [
      `${counted(written, 'message')} (${humanOctets(this.#octets)}) written${targetWords(target)}`,
    ]
    if (present > 0) parts.push(`${present.toLocaleString('en-US')} there already`)
    if (removed > 0) parts.push(`${removed.toLocaleString('en-US')} removed by you left out`)
    this.#output.lines(`${safe(destination)}: ${parts.join(', ')}\n`)
  }
}
