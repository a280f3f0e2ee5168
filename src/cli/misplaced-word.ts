import { UsageError } from '../accounts/errors.ts'
import { shellWord } from '../accounts/login-command.ts'
import { repeatable } from './argument.ts'
import { configLoader } from './configuration.ts'
import type { CommandContext } from './context.ts'

interface Place {
  readonly command: string
  /** Of --config. */
  readonly config: string | undefined
  /** What the command has for an account, in a sentence without its end. */
  ofAccount(account: string): string
}

/** What to say to a word behind a command on archives, which takes none. */
export function misplacedWord(
  word: string,
  { command, config, ofAccount }: Place,
  context: CommandContext,
): UsageError {
  const byOption = (archive: string) => `popkeep ${command} --archive ${shellWord(archive)}`
  // A URL is not repeated: a password may be in it.
  if (word.includes('://')) return new UsageError(`${command}: ${ofAccount('POP-URL')}`)
  if (/^(?:sqlite|maildir):|[/\\]|\.sqlite$/.test(word)) {
    return new UsageError(`an archive is named by --archive: ${byOption(repeatable(word))}`)
  }
  const known = archiveOf(word, config, context)
  if (known === undefined) {
    return new UsageError(
      `${command} takes no words, and no account is called ${repeatable(word)}; an archive is named by --archive`,
    )
  }
  const alone =
    known.archive === undefined ? '' : `. For its archive alone: ${byOption(known.archive)}`
  return new UsageError(`${word} is an account; ${ofAccount(shellWord(word))}${alone}`)
}

/** The archive of an account of the config; undefined if none is called so. A config that cannot be read has no say here. */
function archiveOf(name: string, file: string | undefined, context: CommandContext) {
  try {
    const config = configLoader(file, context)({ mayBeMissing: true })
    const account = config?.accounts.find((one) => one.name === name)
    return account && { archive: account.archive ?? config?.archive }
  } catch {
    return undefined
  }
}
