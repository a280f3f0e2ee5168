import type { Command } from 'commander'
import { UsageError } from '../../accounts/errors.ts'
import type { ConsoleOptions } from '../console.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { withServerOptions } from '../server-options.ts'

export function addConsole(program: Command, context: CommandContext): void {
  const command = program
    .command('console')
    .summary('a POP3 session by hand, as with telnet, but over TLS')
    .description(
      'Connects, shows the greeting, and sends the commands that you type, or that stdin has, each ' +
        'when the reply to the one before has come. What follows PASS, AUTH and APOP is masked on ' +
        'the screen, in the trace and in the history. At the end of the input (Ctrl-D) it sends ' +
        'QUIT. Off a terminal stdout has what the server sends, octet for octet. The exit status is ' +
        '0 if the session ended by QUIT, whatever the server said to single commands.',
    )
    .argument('<account>', 'an account of the config, or pops://user@host')
    .option('--login', 'log in first, with the credentials of the account, and begin behind that')
  withExamples(command, [
    ['popkeep console work --login', 'type STAT, LIST, TOP 1 0, QUIT'],
    ['echo STAT | popkeep console work --login', 'a script instead of a keyboard'],
  ])
  withServerOptions(command).action(async (target: string, options: ConsoleOptions) => {
    const { passwordFile, passwordCommand, auth } = options
    if (!options.login && (passwordFile ?? passwordCommand ?? auth) !== undefined) {
      throw new UsageError(
        'console: passwords and --auth are for --login; without it you type them',
      )
    }
    const { runConsole } = await import('../console.ts')
    await runConsole(target, options, context)
  })
}
