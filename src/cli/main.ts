import { basename, relative } from 'node:path'
import process from 'node:process'
import { CommanderError } from 'commander'
import { repeatableComplaint } from './argument.ts'
import type { CommandContext, Io } from './context.ts'
import { describeFailure, type Failure } from './failure.ts'
import { Shield } from './interruption.ts'
import { withWaitAlone } from './option-values.ts'
import { ClosedPipeError, Output } from './output.ts'
import { buildProgram } from './program.ts'
import { safe } from './safe.ts'

/** The exit code of our own faults: the only ones that come with a stack. */
const DEFECT = 70

/** Runs one command line to its end. Never throws; returns the exit code. Problems are told on stderr, a line each. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const { stdout, stderr, quit, ...rest } = io
  const output = new Output(stdout, stderr)
  const shield = new Shield(quit)
  let exit = 0
  const context: CommandContext = {
    ...rest,
    output,
    quit: (code) => shield.quit(code),
    shielded: (work) => shield.run(work),
    end: (code) => (exit = code),
  }
  try {
    await buildProgram(context).parseAsync(withWaitAlone(argv), { from: 'user' })
    return exit
  } catch (error) {
    if (error instanceof ClosedPipeError) return 0
    const failure = error instanceof CommanderError ? parseFailure(error) : describeFailure(error)
    if (failure.sentence) output.problems(failure.sentence)
    if (failure.exit === DEFECT && error instanceof Error) output.talk(stackOf(error))
    return failure.exit
  }
}

/** All of the program behind its start. */
export async function main(): Promise<void> {
  const { argv, stdin, stdout, stderr, env } = process
  // An error that nobody waits for, such as stdout on a full disk: told like any other, never as a bare stack trace.
  process.on('uncaughtException', (error) => {
    const { exit, sentence } = describeFailure(error)
    stderr.write(`popkeep: ${safe(sentence)}\n`)
    if (exit === DEFECT) stderr.write(`${stackOf(error)}\n`)
    process.exit(exit)
  })
  process.exitCode = await run(argv.slice(2), {
    stdin,
    stdout,
    stderr,
    env,
    signals: process,
    invocation: invocationOf(argv[1], env, process.cwd()),
    quit: (exit) => process.exit(exit),
    now: Date.now,
  })
}

/** What to type for this program to run again: by its name where it is installed, else by its path. */
export function invocationOf(
  script: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): string {
  if (script === undefined || basename(script) === 'popkeep') {
    return env.npm_command === 'exec' ? 'npx popkeep' : 'popkeep'
  }
  return `node ${relative(folder, script) || script}`
}

/** Help and version are no failure; everything else that commander throws is usage. */
function parseFailure(error: CommanderError): Failure {
  if (error.exitCode === 0) return { exit: 0, code: error.code, sentence: '' }
  // Without a command, commander has printed the help to stderr.
  if (error.code === 'commander.help') return { exit: 64, code: error.code, sentence: '' }
  const complaint = repeatableComplaint(error.message.replace(/^error: /, ''))
  const sentence = complaint.replace(/\s*\n\s*/g, ' ')
  return { exit: 64, code: error.code, sentence }
}

/** Only of a defect: where it happened, for the report. Absolute paths of this machine stay out. */
function stackOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return frames
    .map((line) => line.replace(/\(?(?:file:\/\/)?\/\S*\/((?:src|dist|node_modules)\/)/, '($1'))
    .join('\n')
}
