import { type Command, Option } from 'commander'
import { OAUTH_FLOWS } from '../../accounts/oauth-provider.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { interruptibly } from '../interruption.ts'
import type { LoginOptions } from '../login-run.ts'
import { configOption } from '../option-values.ts'

export function addLogin(program: Command, context: CommandContext): void {
  const command = program
    .command('login')
    .summary('grant access by OAuth, or put a password into the keyring')
    .description(
      'Gets access to the mail of an account by OAuth, and keeps it for later runs; or, for an account with ' +
        'keyring = true, asks for the password and puts it into the keyring.',
    )
    .argument('<account>', 'an account of the config')
    .addOption(
      new Option(
        '--flow <flow>',
        'type a code on any device, use the browser here, or paste the last URL of one elsewhere',
      ).choices(OAUTH_FLOWS),
    )
    .option('--no-browser', 'open no browser, only print the URL')
    .option('--forget', 'remove what is stored for the account')
    .addOption(configOption())
  withExamples(command, [
    ['popkeep login work', 'in the browser, or by a code'],
    ['popkeep login work --flow device', 'type a code on any device'],
  ])
  command.action(async (account: string, options: LoginOptions) => {
    const { runLogin } = await import('../login-run.ts')
    await interruptibly(context.signals, context.quit, (signal) =>
      runLogin(account, options, context, signal),
    )
  })
}
