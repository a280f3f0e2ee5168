import type { Command } from 'commander'
import { UsageError } from '../../accounts/errors.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { type ArchiveOptions, withArchiveOptions } from '../option-values.ts'

interface ShowOptions extends ArchiveOptions {
  readonly raw?: true
  readonly headers?: true
}

export function addShow(program: Command, context: CommandContext): void {
  const command = program
    .command('show')
    .summary('show one message')
    .description(
      'Shows one message: its main header fields, its text, and the names of its attachments.',
    )
    .argument('<id>', 'beginning of its digest, 6 digits or more, as list prints it')
    .option('--raw', 'write the exact octets (on a terminal, control characters are made visible)')
    .option('--headers', 'show the whole header section')
  withExamples(command, [
    ['popkeep show 3f9a1c', 'header fields, text, names of attachments'],
    ['popkeep show 3f9a1c --raw > one.eml', 'its exact octets, with all attachments'],
  ])
  withArchiveOptions(command).action(async (id: string, options: ShowOptions) => {
    if (options.raw && options.headers) {
      throw new UsageError('show: --raw and --headers exclude each other')
    }
    const { withReaders } = await import('../archives.ts')
    const { findMessage, writeHeaders, writeRaw, writeText } = await import('../message-text.ts')
    await withReaders(options, context, async (readers) => {
      const message = findMessage(readers, id)
      const write = options.raw ? writeRaw : options.headers ? writeHeaders : writeText
      await write(message, context.output)
    })
  })
}
