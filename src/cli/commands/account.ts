import type { Command } from 'commander'
import type { AccountAddOptions } from '../account-add-draft.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { interruptibly } from '../interruption.ts'
import { configOption, jsonOption, serverPort } from '../option-values.ts'
import { withServerOptions } from '../server-options.ts'

export function addAccount(program: Command, context: CommandContext): void {
  const account = program
    .command('account')
    .summary('add an account to the config, or list them')
    .description('Adds accounts to the config, and lists them.')
    .helpCommand(false)
  addAdd(account, context)
  addList(account, context)
}

function addAdd(account: Command, context: CommandContext): void {
  const command = account
    .command('add')
    .summary('add an account to the config')
    .description(
      'Finds the POP3 server of a mail address, logs in once, and adds the account to the config. Asks ' +
        'for what no option says; nothing is written before the login has worked. With --oauth it asks ' +
        'for access first; where nobody can grant it now, the account is added without, and the last ' +
        'line says how popkeep login gets it later.',
    )
    .argument('[address]', 'the mail address')
    .option('--name <name>', 'what the account is called in config and archive')
    .option('--host <host>', 'the POP3 server, instead of looking for it')
    .option('--port <port>', 'its port, if it is none of 995 (TLS) and 110 (STLS)', serverPort)
    .option('--user <user>', 'what to log in as (default: the address)')
    .option('--archive <archive>', 'sqlite:PATH or maildir:PATH (default: that of the config)')
    .option('--keyring', 'keep the password in the keyring')
    .option('--ask-password', 'keep the password nowhere: ask each time')
    .option('--oauth <provider>', 'log in by OAuth: google, microsoft, or a table of the config')
    .option('--token-command <command>', 'run a command that prints an OAuth access token')
    .option('--client-id <id>', 'the client id for --oauth, which you registered')
    .option('--yes', 'ask nothing; what is missing is an error')
    .option('--no-check', 'do not log in first')
    .option('--dry-run', 'only print what would be added to the config')
  withExamples(command, [
    ['popkeep account add me@example.com', 'asks for the rest'],
    ['popkeep account add me@example.com --keyring', 'password in the keyring'],
    ['popkeep account add me@gmail.com --oauth google', 'see docs/login.md'],
    ['popkeep account add me@example.com --dry-run', 'only print, write nothing'],
  ])
  withServerOptions(command).action(
    async (address: string | undefined, options: AccountAddOptions) => {
      const { runAccountAdd } = await import('../account-add.ts')
      await interruptibly(context.signals, context.quit, (signal) =>
        runAccountAdd(address, options, context, signal),
      )
    },
  )
}

function addList(account: Command, context: CommandContext): void {
  account
    .command('list')
    .summary('list the accounts of the config')
    .description('Lists the accounts of the config: name, user, server, how it logs in, archive.')
    .addOption(jsonOption('print one object a line'))
    .addOption(configOption())
    .action(async ({ json, config }: { readonly json?: true; readonly config?: string }) => {
      const { configLoader } = await import('../configuration.ts')
      const { accountLines, accountsJson } = await import('../account-list.ts')
      const { accountsOf } = await import('../server-choice.ts')
      const accounts = accountsOf(configLoader(config, context)({ mayBeMissing: false }))
      await context.output.data(json ? accountsJson(accounts) : accountLines(accounts))
    })
}
