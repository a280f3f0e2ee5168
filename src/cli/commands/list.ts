import type { Command } from 'commander'
import type { ArchiveReader } from '../../archive/reader.ts'
import type { MessageSummary } from '../../archive/reader-list.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { mergeInOrder } from '../merge.ts'
import {
  type ArchiveOptions,
  jsonOption,
  wholeNumber,
  withArchiveOptions,
} from '../option-values.ts'
import { withoutWords } from '../without-words.ts'

interface ListOptions extends ArchiveOptions {
  readonly newest?: number
  readonly account?: string
  readonly json?: true
}

/** Lines are written in groups of this many characters. */
const GROUP = 16 * 1024

export function addList(program: Command, context: CommandContext): void {
  const command = program
    .command('list')
    .summary('list the messages of an archive, newest first')
    .description(
      'Lists the messages of an archive, newest first: id, date, size, sender, subject. ' +
        'The id is the beginning of the digest (SHA-256) that names the message.',
    )
    .option('--newest <n>', 'only the newest so many', wholeNumber(1))
    .option('--account <name>', 'only messages that came from this account')
    .addOption(jsonOption('print one object a line, with the whole digest and all receipts'))
  withExamples(command, [
    ['popkeep list --newest 10', 'the newest ten'],
    ['popkeep list --account work', 'only what came from one account'],
    ['popkeep list --json | wc -l', 'one object a line, for scripts'],
  ])
  withoutWords(command, context, (account) => `its messages: popkeep list --account ${account}`)
  withArchiveOptions(command).action(async (options: ListOptions) => {
    const { requireAccount, withReaders } = await import('../archives.ts')
    await withReaders(options, context, async (readers) => {
      requireAccount(readers, options.account)
      await list(readers, options, context)
    })
  })
}

async function list(
  readers: readonly ArchiveReader[],
  options: ListOptions,
  { output }: CommandContext,
): Promise<void> {
  const { messageJson, messageLine } = await import('../message-lines.ts')
  const width = output.stdout.isTTY ? (output.stdout.columns ?? 80) : undefined
  let group = ''
  for (const message of newestFirst(readers, options)) {
    group += options.json ? messageJson(message) : messageLine(message, width)
    if (group.length < GROUP) continue
    await output.data(group)
    group = ''
  }
  await output.data(group)
}

function* newestFirst(
  readers: readonly ArchiveReader[],
  { newest, account }: ListOptions,
): Iterable<MessageSummary> {
  const lists = readers.map((reader) => reader.list({ newest, account }))
  let left = newest ?? Number.POSITIVE_INFINITY
  for (const message of mergeInOrder(lists, (a, b) => ageOf(a) > ageOf(b))) {
    yield message
    left -= 1
    if (left === 0) return
  }
}

/** What the archives sort by. */
function ageOf({ date, archivedAt }: MessageSummary): string {
  return date ?? archivedAt
}
