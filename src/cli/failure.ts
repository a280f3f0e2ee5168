import { endingOf } from './exit-codes.ts'
import { quoted } from './safe.ts'

/** The owner ended the run: SIGINT (130) or SIGTERM (143). The reason of the run's AbortSignal. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError'
  readonly code = 'INTERRUPTED'
  readonly exit: 130 | 143

  constructor(exit: 130 | 143) {
    super('interrupted; what was stored stays, and nothing more was deleted on the server')
    this.exit = exit
  }
}

/** An error as shell and person get it. */
export interface Failure {
  readonly exit: number
  readonly code: string
  /** What happened, what the server said, what to do next. Its own words are ours; the rest is quoted and safe. */
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
    return { exit: 74, code, sentence: sentenceOf(message, undefined, '') }
  }
  const { exit, advice } = endingOf(code)
  return {
    exit,
    code: code ?? 'INTERNAL',
    sentence: sentenceOf(message, textField(error, 'serverText'), advice),
  }
}

function sentenceOf(message: string, serverText: string | undefined, advice: string): string {
  const parts = [message.replace(/\s*\n\s*/g, ' ').replace(/[.\s]+$/, '')]
  if (serverText) parts.push(`The server said: ${quoted(serverText)}`)
  if (advice) parts.push(advice)
  return parts.join('. ').replace(/([^.])$/, '$1.')
}

function textField(error: unknown, name: string): string | undefined {
  if (typeof error !== 'object' || error === null || !(name in error)) return undefined
  const value: unknown = Reflect.get(error, name)
  return typeof value === 'string' ? value : undefined
}
