import type { Command } from 'commander'
import { UsageError } from '../../accounts/errors.ts'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { listeningPort } from '../option-values.ts'

interface DemoOptions {
  readonly serve?: true
  readonly port?: number
}

export function addDemo(program: Command, context: CommandContext): void {
  const command = program
    .command('demo')
    .summary('see popkeep work: built-in server, sample maildrop, no account needed')
    .description(
      'Starts a POP3 server on the loopback interface with a maildrop of 1997 and some mail of today, ' +
        'syncs both into a fresh archive, and shows what is in it.',
    )
    .option('--serve', 'keep the server up, for telnet or any mail program')
    .option('--port <n>', 'port of that server (default: 1110)', listeningPort)
  withExamples(command, [
    ['popkeep demo', 'sync, and list what came'],
    ['popkeep demo --serve', 'then telnet 127.0.0.1 1110'],
  ])
  command.action(async (options: DemoOptions) => {
    if (options.port !== undefined && !options.serve) {
      throw new UsageError('demo: --port needs --serve')
    }
    const { runDemo, serveDemo } = await import('../demo.ts')
    if (options.serve) await serveDemo(options.port, context)
    else context.end(await runDemo(context))
  })
}
