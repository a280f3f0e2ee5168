import type { Command } from 'commander'
import type { CommandContext } from '../context.ts'
import { withExamples } from '../examples.ts'
import { jsonOption } from '../option-values.ts'
import type { ProbeOptions } from '../probe-run.ts'
import { withServerOptions } from '../server-options.ts'

export function addProbe(program: Command, context: CommandContext): void {
  const command = program
    .command('probe')
    .summary('show what a server is, what it offers, and what works there')
    .description(
      'Shows the address, certificates and greeting of a server, what it announces before and after ' +
        'login, which mechanisms can be used, and whether UIDL, TOP and PIPELINING work in fact. ' +
        'Nothing is changed on the server or here: it sends STLS, CAPA, UTF8, the login, STAT, LIST, UIDL, NOOP, ' +
        'QUIT, and TOP without body lines for the smallest message; never RETR, by which some servers mark ' +
        'mail as read, nor DELE. A password is asked for only when all that needs none has been ' +
        'shown. What was learned goes to stdout also where a step fails; why it failed is the last ' +
        'line on stderr. PIPELINING that is announced and broken is told, and is no failure.',
    )
    .argument('<account>', 'an account of the config, or pops://user@host')
    .option('--no-login', 'do not log in')
    .addOption(jsonOption('print one object, at the end'))
  withExamples(command, [
    ['popkeep probe work', 'one of your accounts'],
    ['popkeep probe pops://me%40example.com@pop.example.com', 'an @ is %40'],
    ['popkeep probe pop://me@pop.example.com --no-login', 'STLS; no password'],
  ])
  withServerOptions(command).action(async (target: string, options: ProbeOptions) => {
    const { runProbe } = await import('../probe-run.ts')
    await runProbe(target, options, context)
  })
}
