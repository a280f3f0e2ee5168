import { type Command, Option } from 'commander'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { jsonOption, waitOption, withArchiveOptions } from '../option-values.ts'
import type { RepairCommandOptions } from '../repair-run.ts'
import { withoutWords } from '../without-words.ts'

export function addRepair(program: Command, context: CommandContext): void {
  const command = program
    .command('repair')
    .summary('put an archive right from its own octets')
    .description(
      'Reads every message, and makes the catalog agree with what is there; a catalog that is damaged or ' +
        'lost is made anew, and the damaged file kept beside it. Messages whose octets are gone or ' +
        'wrong are marked: the next sync retrieves them again where their server still lists them, and ' +
        'deletes nothing there that it has not stored. No octets are thrown away. ' +
        'Other runs stay out meanwhile.',
    )
    .addOption(
      new Option(
        '--retrieve-missing',
        'retrieve all again that is gone, what you removed yourself too',
      ).conflicts('acceptMissing'),
    )
    .option('--accept-missing', 'take all that is gone or altered as removed by you')
    .addOption(waitOption('wait for runs that are in the archive, instead of leaving with 75'))
    .addOption(jsonOption('print one finding a line, and the counts last'))
  withExamples(command, [
    ['popkeep repair', 'then popkeep sync brings what was lost'],
    ['popkeep repair --retrieve-missing', 'have back what vanished from a Maildir'],
    ['popkeep repair --accept-missing', 'give up what is gone for good'],
  ])
  withoutWords(command, context, () => 'repair mends whole archives: popkeep repair')
  withArchiveOptions(command).action(async (options: RepairCommandOptions) => {
    const { runRepair } = await import('../repair-run.ts')
    context.end(await runRepair(options, context))
  })
}
