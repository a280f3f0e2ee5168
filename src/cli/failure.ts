import { ConfigError } from '../accounts/errors.ts'
import { OPEN_FILES_HINT, tooManyFiles } from '../durable/errors.ts'
import { endingOf } from './exit-codes.ts'
import { quoted } from './safe.ts'

/** The owner ended the run: SIGINT (130) or SIGTERM (143). The reason of the run's AbortSignal. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly code = 'INTERRUPTED'
  readonly exit: 130 | 143

  constructor(exit: 130 | 143) {
    super('interrupted')
    this.exit = exit
  }
}

/** An error as shell and person get it. */
export interface Failure {
  readonly exit: number
  readonly code: string
  /**
   * What happened, what the server said, what to do next. Its own words are ours; the rest is quoted and safe. One line,
   * but for the faults of a config file: a line each, and after an empty one the piece of the file.
   */
  readonly sentence: string
}

/** Translates any thrown value by the one table of exit codes. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof InterruptedError) {
    return { exit: error.exit, code: error.code, sentence: error.message }
  }
  const code = textField(error, 'code')
  const message = error instanceof Error ? error.message : String(error)
  // A file that neither archive nor config knows of: --trace, a certificate, the destination of an export.
  if (code !== undefined && textField(error, 'syscall') !== undefined) {
    const tooMany = tooManyFiles(code)
    const sentence =
      tooMany === undefined
        ? sentenceOf(message, undefined, '')
        : sentenceOf(`${tooMany} (${code})`, undefined, OPEN_FILES_HINT)
    return { exit: 74, code, sentence }
  }
  const { exit, advice } = endingOf(code)
  return {
    exit,
    code: code ?? 'INTERNAL',
    sentence:
      error instanceof ConfigError
        ? faultLines(message)
        : sentenceOf(message, textField(error, 'serverText'), textField(error, 'hint') ?? advice),
  }
}

/** Each fault of a config file is a line; what stands after an empty line is a piece of the file. */
function faultLines(message: string): string {
  const [faults = '', ...frames] = message.split('\n\n')
  const lines = faults.split('\n').map((fault) => sentenceOf(fault, undefined, ''))
  return [lines.join('\n'), ...frames].join('\n\n')
}

function sentenceOf(message: string, serverText: string | undefined, advice: string): string {
  const parts = [message.replace(/\s*\n\s*/g, ' ').replace(/[.\s]+$/, '')]
  if (serverText) parts.push(`The server said: ${quoted(serverText)}`)
  if (advice) parts.push(advice)
  return parts.join('. ').replace(/([^.?!])$/, '$1.')
}

function textField(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}
