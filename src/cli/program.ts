import { type Argument, Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { UsageError } from '../accounts/errors.ts'
import { nearestWord } from '../accounts/nearest-word.ts'
import { repeatable } from './argument.ts'
import { addAccount } from './commands/account.ts'
import { addConsole } from './commands/console.ts'
import { addDemo } from './commands/demo.ts'
import { addExport } from './commands/export.ts'
import { addList } from './commands/list.ts'
import { addLogin } from './commands/login.ts'
import { addProbe } from './commands/probe.ts'
import { addRepair } from './commands/repair.ts'
import { addShow } from './commands/show.ts'
import { addStatus } from './commands/status.ts'
import { addSync } from './commands/sync.ts'
import { addVerify } from './commands/verify.ts'
import type { CommandContext } from './context.ts'
import { withExamples } from './examples.ts'
import { EXIT_STATUS_HINT, exitStatusHelp, exitStatusTable } from './exit-codes.ts'

/** What `popkeep help` explains besides commands. */
const EXIT_CODES = 'exit-codes'

/** The whole command line. Parsing throws CommanderError; it never ends the process. */
export function buildProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.output
  const program = new Command('popkeep')
    .description('Keeps the mail of POP3 maildrops in an archive that you own.')
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({
      subcommandTerm: (command) =>
        [command.name(), ...command.registeredArguments.map(humanReadableArgument)].join(' '),
    })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      writeErr: (text) => void stderr.write(text),
      getOutHelpWidth: () => stdout.columns ?? 80,
      getErrHelpWidth: () => stderr.columns ?? 80,
      // The caller of the program says it, in one line.
      outputError: () => undefined,
    })
  const groups = [
    ['Mail:', [addSync, addList, addShow, addExport, addVerify, addRepair, addStatus]],
    ['Accounts and servers:', [addAccount, addLogin, addProbe, addConsole]],
    ['To try it:', [addDemo]],
  ] as const
  for (const [heading, commands] of groups) {
    program.commandsGroup(heading)
    for (const add of commands) add(program, context)
  }
  addHelp(program, (text) => void stdout.write(text))
  withExamples(program, [
    ['popkeep demo', 'see it work, without an account'],
    ['popkeep account add me@example.com', 'find the server, log in, write the config'],
    ['popkeep sync', 'retrieve what is new, from all accounts'],
    ['popkeep list --newest 10', 'look at it'],
    ['popkeep help sync', 'what a command can do'],
  ])
  program.addHelpText('after', exitStatusHelp(Math.min(stdout.columns ?? 80, 80)))
  for (const command of program.commands.flatMap(withSubcommands)) {
    command.addHelpText('after', EXIT_STATUS_HINT)
  }
  return program
}

function withSubcommands(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

/** Commander's own answers an unknown word with the general help, and does not say that the word was wrong. */
function addHelp(program: Command, print: (text: string) => void): void {
  program
    .command('help')
    .summary('print the help of a command')
    .description(
      'Prints the help of a command, as its option --help does, or what each exit code means.',
    )
    .argument('[command...]', 'such as sync, account add, or exit-codes')
    .action((names: readonly string[]) => {
      if (names.length === 1 && names[0] === EXIT_CODES) {
        print(exitStatusTable())
        return
      }
      let command = program
      for (const name of names) command = subcommand(command, name)
      command.outputHelp()
    })
}

function subcommand(command: Command, name: string): Command {
  const found = command.commands.find((one) => one.name() === name)
  if (found !== undefined) return found
  const names = [...command.commands.map((one) => one.name()), EXIT_CODES]
  const nearest = nearestWord(name, names)
  const hint = nearest === undefined ? '' : ` (Did you mean ${nearest}?)`
  throw new UsageError(`unknown command '${repeatable(name)}'${hint}`)
}

function humanReadableArgument(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name()
  return argument.required ? `<${name}>` : `[${name}]`
}
