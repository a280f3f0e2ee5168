import type { Command } from 'commander'
import type { CommandContext } from './context.ts'

/**
 * Has a command on archives, which takes options only, say what its owner may have meant by a word: an account or an archive.
 * Commander would say how many arguments it expected. `ofAccount`: what to do with an account (a word for the shell).
 */
export function withoutWords(
  command: Command,
  context: CommandContext,
  ofAccount: (account: string) => string,
): Command {
  return command.allowExcessArguments().hook('preAction', async () => {
    const [word] = command.args
    if (word === undefined) return
    const { misplacedWord } = await import('./misplaced-word.ts')
    const { config } = command.opts<{ readonly config?: string }>()
    throw misplacedWord(word, { command: command.name(), config, ofAccount }, context)
  })
}
