import type { Command } from 'commander'
import type { ArchiveReader } from '../../archive/reader.ts'
import type { CommandContext } from '../context.ts'
import { type ArchiveOptions, jsonOption, withArchiveOptions } from '../option-values.ts'

interface VerifyOptions extends ArchiveOptions {
  readonly json?: true
}

export function addVerify(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .summary('read every message back and compare it with its digest')
    .description(
      'Reads every message back, hashes it, and compares it with its digest; names what is wrong. ' +
        'Nothing is changed.',
    )
    .addOption(jsonOption('print one finding a line, and the counts last'))
  withArchiveOptions(command).action(async (options: VerifyOptions) => {
    const { withReaders } = await import('../archives.ts')
    await withReaders(options, context, async (readers) => {
      let isDamaged = false
      for (const reader of readers) {
        if (await verify(reader, options, context)) isDamaged = true
      }
      context.end(isDamaged ? 65 : 0)
    })
  })
}

/** Returns whether anything is wrong. */
async function verify(
  reader: ArchiveReader,
  options: VerifyOptions,
  { output }: CommandContext,
): Promise<boolean> {
  const { isDamage, verifyArchive } = await import('../../archive/verify.ts')
  const { findingJson, findingSentence, VerifyCounts } = await import('../verify-lines.ts')
  const counts = new VerifyCounts()
  for (const finding of verifyArchive(reader)) {
    counts.add(finding)
    if (finding.kind === 'ok') continue
    if (options.json) await output.data(findingJson(reader.location, finding))
    if (isDamage(finding)) output.problem(findingSentence(reader.location, finding))
  }
  await output.data(options.json ? counts.json(reader.location) : counts.line(reader.location))
  return counts.isDamaged
}
