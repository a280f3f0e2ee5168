import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError } from '../accounts/errors.ts'
import { parseOctets, parseTimeSpan } from '../accounts/quantities.ts'

/** Parses a whole number of at least `least`. Throws InvalidArgumentError, which commander words with the option. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`)
    }
    return value
  }
}

/** Octets as people write them: 500000, 200K, 10M, 1G. */
export function octetCount(text: string): number {
  const octets = parseOctets(text)
  if (octets === undefined || octets === 0) {
    throw new InvalidArgumentError(
      'It must be a number of octets, such as 500000, 200K, 10M or 1G.',
    )
  }
  return octets
}

/** How long a run may take, in ms: 90s, 30m, 2h. */
export function timeSpan(text: string): number {
  const ms = parseTimeSpan(text)
  if (ms === undefined) throw new InvalidArgumentError('It must be a time such as 90s, 30m or 2h.')
  return ms
}

/** `--wait`, `--wait=5m`: how long to wait for another run; the value in ms, Infinity where no time is said. */
export function waitOption(what: string): Option {
  const option = new Option('--wait [time]', what).argParser((text) =>
    text === '' ? Number.POSITIVE_INFINITY : timeSpan(text),
  )
  option.flags = '--wait[=time]'
  return option
}

/**
 * Without this, commander takes the word after `--wait` for its time, where most often an account stands. Throws UsageError
 * where a time stands there.
 */
export function withWaitAlone(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, index) => {
    if (word !== '--wait' || (end !== -1 && index >= end)) return word
    const next = argv[index + 1]
    if (next !== undefined && parseTimeSpan(next) !== undefined) {
      throw new UsageError(`write the time with an equals sign: --wait=${next}`)
    }
    return '--wait='
  })
}

/** The TCP port of a server. */
export const serverPort = portFrom(1)

/** A TCP port to listen on; 0 lets the system choose. */
export const listeningPort = portFrom(0)

function portFrom(least: number): (text: string) => number {
  const parse = wholeNumber(least)
  return (text) => {
    const value = parse(text)
    if (value > 65_535) throw new InvalidArgumentError('It must be at most 65535.')
    return value
  }
}

/** Which archives a reading command reads. */
export interface ArchiveOptions {
  readonly archive?: string
  readonly config?: string
}

/** The options that all commands on an archive share. */
export function withArchiveOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--archive <archive>', 'sqlite:PATH or maildir:PATH (default: all of the config)'),
    )
    .addOption(configOption())
}

export function configOption(): Option {
  return new Option(
    '--config <file>',
    'configuration file (default: ~/.config/popkeep/config.toml)',
  )
}

export function jsonOption(what: string): Option {
  return new Option('--json', what)
}
