import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { type ArchiveOptions, jsonOption, withArchiveOptions } from '../option-values.ts'
import { withoutWords } from '../without-words.ts'

interface StatusOptions extends ArchiveOptions {
  readonly json?: true
}

export function addStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .summary('count what an archive holds, and say how the last syncs ended')
    .description('Counts what an archive holds, by account, and says how the last syncs ended.')
    .addOption(jsonOption('print one object an archive on a line'))
  withExamples(command, [
    ['popkeep status', 'the archives of the config'],
    ['popkeep status --json', 'for scripts: failingSince, lastGoodRun ...'],
  ])
  withoutWords(
    command,
    context,
    () => 'status tells of whole archives, account by account: popkeep status',
  )
  withArchiveOptions(command).action(async (options: StatusOptions) => {
    const { withReaders } = await import('../archives.ts')
    const { status } = await import('../status-run.ts')
    await withReaders(options, context, async (readers) => status(readers, options, context))
  })
}
