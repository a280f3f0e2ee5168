/** A repair, from the options to the exit code. */
import { setTimeout as delay } from 'node:timers/promises'
import type { ArchiveLocation } from '../archive/location.ts'
import { formatLocation, parseLocation } from '../archive/location.ts'
import { repairArchive } from '../archive/repair.ts'
import type { MissingChoice, RepairFinding } from '../archive/repair-findings.ts'
import { LockedError } from '../durable/errors.ts'
import { hasCode, vanishedOr } from './archives.ts'
import { configuredArchives } from './configured-archives.ts'
import type { CommandContext } from './context.ts'
import { DamageLines } from './damage-lines.ts'
import { describeFailure } from './failure.ts'
import type { ArchiveOptions } from './option-values.ts'
import { isGivenUp, RepairCounts, repairJson, repairSentence, repairWords } from './repair-lines.ts'
import { safe } from './safe.ts'

/** How often an archive in which others are is asked for. */
const LOOK_MS = 500

export interface RepairCommandOptions extends ArchiveOptions {
  readonly retrieveMissing?: true
  readonly acceptMissing?: true
  /** Ms; Infinity where no time was said. */
  readonly wait?: number
  readonly json?: true
}

/** Returns the exit code: 73 if an archive is gone, 65 if the owner has to decide or help, 1 if messages wait for the next sync, else 0. */
export async function runRepair(
  options: RepairCommandOptions,
  context: CommandContext,
): Promise<number> {
  const locations =
    options.archive === undefined
      ? configuredArchives(options.config, context)
      : [parseLocation(options.archive)]
  const exits: number[] = []
  let missing: unknown
  for (const location of locations) {
    try {
      exits.push(await repair(location, options, context))
    } catch (error) {
      const known = vanishedOr(error, location, context)
      if (hasCode(known, 'ARCHIVE_VANISHED')) {
        exits.push(73)
        context.output.problem(describeFailure(known).sentence)
      } else if (hasCode(known, 'ARCHIVE_NOT_FOUND')) {
        // No sync has made it yet.
        missing ??= known
      } else throw known
    }
  }
  if (exits.length === 0 && missing !== undefined) throw missing
  return [73, 65, 1].find((exit) => exits.includes(exit)) ?? 0
}

async function repair(
  location: ArchiveLocation,
  options: RepairCommandOptions,
  context: CommandContext,
): Promise<number> {
  const { output } = context
  const counts = new RepairCounts()
  const where = formatLocation(location)
  const lines = new DamageLines(output, 'popkeep verify --json lists all')
  for (const finding of await begunWhenFree(location, options, context)) {
    counts.add(finding)
    if (finding.kind === 'sound') continue
    if (options.json) await output.data(repairJson(location, finding))
    if (!isProblem(finding)) continue
    const sentence = (name: (id: string) => string) => repairSentence(location, finding, name)
    // What no later command names again is said in full.
    if (NAMED_BY_VERIFY.includes(finding.kind)) lines.say(finding.kind, sentence)
    else output.problem(sentence(lines.name))
  }
  lines.close(where, repairWords)
  await output.data(options.json ? counts.json(location) : counts.line(location))
  for (const advice of counts.advice()) output.problem(`${where}: ${advice}`)
  return counts.exit
}

/**
 * A repair that has taken the archive for itself. Runs that are in it are waited for, as long as the options say: the
 * archive is asked for again and again, since locks have no queue. Throws as `repairArchive`.
 */
async function begunWhenFree(
  location: ArchiveLocation,
  options: RepairCommandOptions,
  { output, now }: CommandContext,
): Promise<Iterable<RepairFinding>> {
  const until = now() + (options.wait ?? 0)
  for (let isSaid = false; ; isSaid = true) {
    const begun = repairArchive(location, { missing: missingChoice(options) })
    const findings = begun[Symbol.iterator]()
    try {
      const first = findings.next()
      return first.done ? [] : startingWith(first.value, findings)
    } catch (error) {
      if (!(error instanceof LockedError) || now() >= until) throw error
    }
    if (!isSaid && output.stderr.isTTY) {
      output.talk(`${safe(formatLocation(location))}: waits for another run to end`)
    }
    await delay(Math.min(LOOK_MS, until - now()))
  }
}

function* startingWith<T>(first: T, others: Iterator<T>): Iterable<T> {
  yield first
  yield* { [Symbol.iterator]: () => others }
}

function missingChoice({ retrieveMissing, acceptMissing }: RepairCommandOptions): MissingChoice {
  if (retrieveMissing) return 'retrieve'
  return acceptMissing ? 'accept' : 'keep'
}

const NAMED_BY_VERIFY: readonly string[] = ['wanted', 'undecided', 'unreadable']

/** What is put right already is only counted. */
function isProblem(finding: RepairFinding): boolean {
  return isGivenUp(finding) || !['sound', 'rebuilt', 'returned', 'removed'].includes(finding.kind)
}
