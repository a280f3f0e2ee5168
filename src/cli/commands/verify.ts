import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../../accounts/errors.ts'
import { parseTimeSpan } from '../../accounts/quantities.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { jsonOption } from '../option-values.ts'
import { withServerOptions } from '../server-options.ts'
import type { AgainstOptions } from '../verify-against.ts'
import type { VerifyChoice } from '../verify-run.ts'
import { withoutWords } from '../without-words.ts'

type VerifyOptions = AgainstOptions & VerifyChoice & { readonly against?: string }

/** Options that only `--against` has a use for, apart from `--archive` and `--config`. */
const OF_AGAINST = [
  ...['account', 'tls', 'tlsCa', 'tlsPin', 'tlsCert', 'tlsKey', 'proxy', 'auth'],
  ...['passwordFile', 'passwordCommand', 'trace'],
] as const satisfies readonly (keyof AgainstOptions)[]

export function addVerify(program: Command, context: CommandContext): void {
  const command = program
    .command('verify')
    .summary('read messages back and compare them with their digests')
    .description(
      'Reads every message back, hashes it, and compares it with its digest; names what is wrong. ' +
        'Nothing is changed, but that --budget remembers when each message was last found right. ' +
        'With --against, logs in and says of each message that the server lists now whether the ' +
        'archive holds it; there it sends STAT, LIST, UIDL, TOP and QUIT, never RETR or DELE.',
    )
    .option('--archive <archive>', 'sqlite:PATH or maildir:PATH (default: all of the config)')
    .addOption(
      new Option('--sample <share>', 'read a random share of the messages (5%)')
        .argParser(share)
        .conflicts(['budget', 'against']),
    )
    .addOption(
      new Option('--budget <time>', 'read for so long (10m), the longest unverified first')
        .argParser(timeSpan)
        .conflicts(['against']),
    )
    .option('--against <account>', 'an account of the config, or pops://user@host')
    .option('--account <name>', 'name of the account of a POP-URL in the archive')
    .addOption(jsonOption('print one finding a line, and the counts last'))
  withExamples(command, [
    ['popkeep verify', 'every message of every archive of the config'],
    ['popkeep verify --budget 10m', 'ten minutes a night, in turn'],
    ['popkeep verify --against work', 'is all here that the server lists?'],
  ])
  withoutWords(
    command,
    context,
    (account) =>
      `popkeep verify --against ${account} compares what its server lists with the archive`,
  )
  withServerOptions(command).action(async (options: VerifyOptions) => {
    const { against } = options
    if (against !== undefined) {
      const { verifyAgainst } = await import('../verify-against.ts')
      context.end(await verifyAgainst(against, options, context))
      return
    }
    if (OF_AGAINST.some((name) => options[name] !== undefined)) {
      throw new UsageError('verify: options of a server and its login go with --against')
    }
    const { withReaders } = await import('../archives.ts')
    const { verifyReaders } = await import('../verify-run.ts')
    await withReaders(options, context, async (readers) => {
      context.end(await verifyReaders(readers, options, context))
    })
  })
}

/** `5%` or `0.5%` as a share of 1. */
function share(text: string): number {
  const percent = Number(/^(\d{1,3}(?:\.\d{1,6})?) ?%$/.exec(text.trim())?.[1])
  if (!(percent > 0 && percent <= 100)) {
    throw new InvalidArgumentError('It must be a share such as 5% or 0.5%.')
  }
  return percent / 100
}

function timeSpan(text: string): number {
  const span = parseTimeSpan(text)
  if (span === undefined) {
    throw new InvalidArgumentError('It must be a time such as 90s, 10m or 2h.')
  }
  return span
}
