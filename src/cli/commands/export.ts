import { type Command, Option } from 'commander'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import type { ExportOptions } from '../export-run.ts'
import { withArchiveOptions } from '../option-values.ts'

export function addExport(program: Command, context: CommandContext): void {
  const command = program
    .command('export')
    .summary('copy an archive to another one, or to plain files')
    .description(
      'To sqlite:PATH or maildir:PATH: makes or completes a full archive, receipts included; a sync ' +
        'into it retrieves nothing that is in there. To a plain path: eml files named by their ' +
        'digest, byte for byte; one mbox file (mboxrd); or a plain Maildir.',
    )
    .argument('<dest>', 'sqlite:PATH, maildir:PATH, or a path for plain files')
    .addOption(
      new Option(
        '--format <format>',
        'form of plain files (default: mbox for *.mbox, maildir where one is, else eml)',
      ).choices(['eml', 'mbox', 'maildir']),
    )
    .option('--account <name>', 'only messages that came from this account')
  withExamples(command, [
    ['popkeep export mail', 'a folder of eml files'],
    ['popkeep export mail.mbox', 'one mbox'],
    ['popkeep export mail --format maildir', 'a plain Maildir'],
    ['popkeep export sqlite:/backup/mail.sqlite', 'a second archive, receipts included'],
  ])
  withArchiveOptions(command).action(async (destination: string, options: ExportOptions) => {
    const { runExport } = await import('../export-run.ts')
    await runExport(destination, options, context)
  })
}
