/**
 * What can go wrong in the protocol. The classes divide by one question: can this connection go on? After a
 * `CommandError` it can, after the others it cannot. What the server said is in `serverText`, never in the message.
 */
import type { ResponseCode } from './response-code.ts'

export interface ServerWords {
  /** The server's line without its end, status indicator included. Untrusted: escape before showing. */
  readonly serverText?: string | undefined
  readonly responseCode?: ResponseCode | undefined
  readonly cause?: unknown
}

/** Base of all errors of this room. `code` is stable. */
export class Pop3Error extends Error {
  override readonly name: string = 'Pop3Error'
  readonly code: string
  readonly serverText: string | undefined
  readonly responseCode: ResponseCode | undefined

  constructor(code: string, message: string, words: ServerWords = {}) {
    super(message, words.cause === undefined ? undefined : { cause: words.cause })
    this.code = code
    this.serverText = words.serverText
    this.responseCode = words.responseCode
  }
}

/** The server answered a command with -ERR (POP3_REFUSED). The connection goes on. */
export class CommandError extends Pop3Error {
  override readonly name = 'CommandError'
  override readonly serverText: string
  /** Keyword of the refused command. */
  readonly command: string

  constructor(command: string, serverText: string, responseCode: ResponseCode | undefined) {
    super('POP3_REFUSED', `the server refused ${command}`, { serverText, responseCode })
    this.command = command
    this.serverText = serverText
  }
}

/**
 * The octets that came are not what the protocol has at this place. Close without QUIT.
 * POP3_OUT_OF_STEP: replies and commands no longer belong together. POP3_LIMIT: a bound of limits.ts was passed.
 * POP3_NOT_POP3: the greeting is none.
 */
export class ProtocolError extends Pop3Error {
  override readonly name: string = 'ProtocolError'

  constructor(
    code: 'POP3_OUT_OF_STEP' | 'POP3_LIMIT' | 'POP3_NOT_POP3',
    message: string,
    words: ServerWords = {},
  ) {
    super(code, message, words)
  }
}

/**
 * What was marked with DELE is not what was meant, or nobody can tell (POP3_OUT_OF_STEP): close without QUIT. Replies and commands
 * belong together; a session after this one may go better.
 */
export class UnsureDeletionError extends ProtocolError {
  override readonly name = 'UnsureDeletionError'

  constructor(message: string, words: ServerWords) {
    super('POP3_OUT_OF_STEP', message, words)
  }
}

/**
 * The server ends or refuses the session in proper form. Close; another session may go better.
 * POP3_GREETING_REFUSED: -ERR instead of a greeting. POP3_TEMPORARY: a passing trouble, such as an unsolicited
 * `-ERR Disconnected for inactivity.`, or -ERR to a command that the server had announced.
 */
export class SessionError extends Pop3Error {
  override readonly name = 'SessionError'

  constructor(
    code: 'POP3_GREETING_REFUSED' | 'POP3_TEMPORARY',
    message: string,
    words: ServerWords = {},
  ) {
    super(code, message, words)
  }
}

/** An argument cannot be sent (POP3_ARGUMENT): CR, LF or NUL in it, or too long. Nothing was written. */
export class ArgumentError extends Pop3Error {
  override readonly name = 'ArgumentError'

  constructor(message: string) {
    super('POP3_ARGUMENT', message)
  }
}
