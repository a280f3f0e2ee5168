import { type Command, Option } from 'commander'
import { UsageError } from '../../accounts/errors.ts'
import type { CommandContext } from '../context.ts'
import { jsonOption, octetCount, timeSpan, waitOption, wholeNumber } from '../option-values.ts'
import { withServerOptions } from '../server-options.ts'
import type { SyncOptions } from '../sync-options.ts'

export function addSync(program: Command, context: CommandContext): void {
  const command = program
    .command('sync')
    .summary('retrieve what is new from the server into the archive')
    .description(
      'Retrieves what is new from the maildrops into their archives. Nothing is deleted on a ' +
        'server unless you ask for it, and then only what is proven to be in the archive.',
    )
    .usage('[options] [ACCOUNT...]\n       popkeep sync [options] POP-URL --archive ARCHIVE')
    .argument('[account...]', 'accounts of the config (default: all), or one pops://user@host')
    .option('--archive <archive>', 'sqlite:PATH or maildir:PATH; created if it does not exist')
    .option('--new-archive', 'create it also where one was before, with all folders')
    .option('--account <name>', 'name of the account of a POP-URL in the archive')
    .option('--delete', 'delete on the server all that is proven stored')
    .option(
      '--delete-after <time>',
      'delete on the server what is in the archive for so long (30d)',
    )
    .option(
      '--delete-older <time>',
      'delete on the server what is dated so long ago (2y); with --delete-after, when both have passed',
    )
    .option(
      '--keep-latest <n>',
      'never delete the newest so many messages of an account',
      wholeNumber(1),
    )
    .option('--delete-short', 'delete also what the server cut short twice')
    .option('--delete-again', 'delete once more what the server kept through three deletions')
    .option(
      '--retry-quarantined',
      'try now what the server refused too often to be tried each time',
    )
    .option('--dry-run', 'only say what would be retrieved and deleted')
    .option('--max-messages <n>', 'retrieve at most so many messages an account', wholeNumber(1))
    .option(
      '--limit-octets <n>',
      'stop retrieving after so many octets an account (500M)',
      octetCount,
    )
    .option(
      '--deadline <time>',
      'try again what fails for a moment, and end after so long (30m); the next run goes on',
      timeSpan,
    )
    .addOption(waitOption('wait for another run that holds an account, instead of leaving with 75'))
    .option('--no-quit', 'end a session that deleted nothing without QUIT')
    .option('--jobs <n>', 'accounts at a time (default: 8)', wholeNumber(1))
    .option('--jobs-per-host <n>', 'accounts at a time on one host (default: 4)', wholeNumber(1))
    .addOption(jsonOption('print one event a line on stdout'))
    .option('--quiet', 'say nothing but problems')
    .option('--verbose', 'say each step, also where no terminal is')
    .addOption(
      new Option('--progress <when>', 'show progress bars on stderr')
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
  withServerOptions(command).action(async (accounts: string[], options: SyncOptions) => {
    if (options.quiet && options.verbose) {
      throw new UsageError('sync: --quiet and --verbose exclude each other')
    }
    const { composeSync } = await import('../compose.ts')
    const { runSyncTasks } = await import('../sync-run.ts')
    const { archiveRecord } = await import('../recorded-archive.ts')
    const { close, ...plan } = composeSync(accounts, options, context)
    const record = archiveRecord(context.env)
    const places = { record, mayBeginAnew: options.newArchive === true }
    try {
      context.end(await runSyncTasks(plan.tasks, { ...options, ...plan, places }, context))
    } finally {
      close()
    }
  })
}
