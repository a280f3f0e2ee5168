/** A repair, from the options to the exit code. */

import type { ArchiveLocation } from '../archive/location.ts'
import { formatLocation, parseLocation } from '../archive/location.ts'
import { repairArchive } from '../archive/repair.ts'
import type { MissingChoice, RepairFinding } from '../archive/repair-findings.ts'
import { ArchiveError } from '../durable/errors.ts'
import { configuredArchives } from './archives.ts'
import type { CommandContext } from './context.ts'
import type { ArchiveOptions } from './option-values.ts'
import { RepairCounts, repairJson, repairSentence } from './repair-lines.ts'

export interface RepairCommandOptions extends ArchiveOptions {
  readonly retrieveMissing?: true
  readonly acceptMissing?: true
  readonly json?: true
}

/** Returns the exit code: 65 if the owner has to decide or help, 1 if messages wait for the next sync, else 0. */
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
      // No sync has made it yet.
      if (!(error instanceof ArchiveError && error.code === 'ARCHIVE_NOT_FOUND')) throw error
      missing ??= error
    }
  }
  if (exits.length === 0 && missing !== undefined) throw missing
  return [65, 1].find((exit) => exits.includes(exit)) ?? 0
}

async function repair(
  location: ArchiveLocation,
  options: RepairCommandOptions,
  { output }: CommandContext,
): Promise<number> {
  const counts = new RepairCounts()
  for (const finding of repairArchive(location, { missing: missingChoice(options) })) {
    counts.add(finding)
    if (finding.kind === 'sound') continue
    if (options.json) await output.data(repairJson(location, finding))
    if (isProblem(finding)) output.problem(repairSentence(location, finding))
  }
  await output.data(options.json ? counts.json(location) : counts.line(location))
  for (const advice of counts.advice()) output.problem(`${formatLocation(location)}: ${advice}`)
  return counts.exit
}

function missingChoice({ retrieveMissing, acceptMissing }: RepairCommandOptions): MissingChoice {
  if (retrieveMissing) return 'retrieve'
  return acceptMissing ? 'accept' : 'keep'
}

/** What is put right already is only counted. */
function isProblem({ kind }: RepairFinding): boolean {
  return !['sound', 'rebuilt', 'returned', 'removed'].includes(kind)
}
