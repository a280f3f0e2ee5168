/** A verification of archives, from the options to the exit code. */
import { formatLocation } from '../archive/location.ts'
import type { ArchiveReader } from '../archive/reader.ts'
import {
  type Finding,
  isDamage,
  verifyArchive,
  verifyOldest,
  verifySample,
} from '../archive/verify.ts'
import { rememberVerified } from '../archive/verify-record.ts'
import type { CommandContext } from './context.ts'
import { DamageLines } from './damage-lines.ts'
import { describeFailure } from './failure.ts'
import { findingJson, findingSentence, findingWords, VerifyCounts } from './verify-lines.ts'

export interface VerifyChoice {
  readonly json?: true
  /** A share of all messages, 0 to 1. */
  readonly sample?: number | undefined
  /** Ms for all archives together. */
  readonly budget?: number | undefined
}

/** Returns the exit code: 65 if anything is wrong. */
export async function verifyReaders(
  readers: readonly ArchiveReader[],
  choice: VerifyChoice,
  context: CommandContext,
): Promise<number> {
  let isDamaged = false
  const end = context.now() + (choice.budget ?? 0)
  for (const [index, reader] of readers.entries()) {
    // What an archive does not use of its part goes to those after it.
    const share = (end - context.now()) / (readers.length - index)
    if (await verifyReader(reader, { ...choice, budget: choice.budget && share }, context)) {
      isDamaged = true
    }
  }
  return isDamaged ? 65 : 0
}

/** Returns whether anything is wrong. */
async function verifyReader(
  reader: ArchiveReader,
  { json, sample, budget }: VerifyChoice,
  context: CommandContext,
): Promise<boolean> {
  const { output, now } = context
  if (budget !== undefined) {
    const until = now() + budget
    const digests: Uint8Array[] = []
    const { of, findings } = verifyOldest(
      reader,
      () => now() >= until,
      (digest) => digests.push(digest),
    )
    const isDamaged = await tell(reader, { findings, of, json }, context)
    try {
      rememberVerified(reader.location, digests, now)
    } catch (error) {
      const { sentence } = describeFailure(error)
      output.problem(`what was verified cannot be remembered for the next --budget: ${sentence}`)
    }
    return isDamaged
  }
  if (sample !== undefined) {
    return await tell(reader, { ...verifySample(reader, sample), json }, context)
  }
  return await tell(reader, { findings: verifyArchive(reader), of: undefined, json }, context)
}

interface Told {
  readonly findings: Iterable<Finding>
  readonly of: number | undefined
  readonly json: true | undefined
}

async function tell(
  { location }: ArchiveReader,
  { findings, of, json }: Told,
  { output }: CommandContext,
): Promise<boolean> {
  const counts = new VerifyCounts(of)
  const lines = new DamageLines(output, json ? '' : '--json lists all')
  for (const finding of findings) {
    counts.add(finding, location)
    if (finding.kind === 'ok') continue
    if (json) await output.data(findingJson(location, finding))
    if (!isDamage(finding)) continue
    const kind = finding.id === undefined ? 'fault' : finding.kind
    lines.say(kind, (name) => findingSentence(location, finding, name))
  }
  lines.close(formatLocation(location), findingWords)
  await output.data(json ? counts.json(location) : counts.line(location))
  for (const advice of counts.advice(location)) output.problem(advice)
  return counts.isDamaged
}
