import type { Command } from 'commander'

/** Command lines to copy, each with a few words on what it does; below the options in the help, in 80 columns. */
export function withExamples(
  command: Command,
  examples: readonly (readonly [line: string, words: string])[],
): Command {
  const width = Math.max(...examples.map(([line]) => line.length))
  const lines = examples.map(([line, words]) => `  ${line.padEnd(width)}  ${words}`.trimEnd())
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`)
}
