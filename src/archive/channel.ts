/** What passes between the main thread and the writer's: requests with replies, and octets in batches. */
import { ArchiveError, type ArchiveErrorCode, LockedError } from '../durable/errors.ts'
import { SqliteError, type SqliteErrorCode } from '../sqlite/errors.ts'
import type { Stored } from './group-commit.ts'
import type { ReceiptKey } from './receipts.ts'

/** What happens to one intake, in order; octets are named by their place in the batch. */
export type IntakeStep =
  | {
      readonly step: 'begin'
      readonly intake: number
      readonly account: string
      readonly key: ReceiptKey
      readonly byCanonical: boolean
    }
  | { readonly step: 'octets'; readonly intake: number; readonly start: number; end: number }
  | { readonly step: 'end'; readonly intake: number; readonly isShort: boolean }
  | { readonly step: 'abandon'; readonly intake: number }
  /** Of all intakes of the account that ended before. */
  | { readonly step: 'inStep'; readonly account: string }

export type ToWriter =
  | {
      readonly type: 'request'
      readonly id: number
      readonly method: string
      readonly account: string
      readonly parameters: readonly unknown[]
    }
  /** The buffer is transferred; `octets` of it are in use. */
  | {
      readonly type: 'batch'
      readonly buffer: ArrayBuffer
      readonly octets: number
      readonly steps: readonly IntakeStep[]
    }

export type FromWriter =
  | { readonly type: 'reply'; readonly id: number; readonly value: unknown }
  | { readonly type: 'failure'; readonly id: number; readonly error: WireError }
  /** Of all intakes that one commit ended: a message between threads costs more than what it says. */
  | { readonly type: 'stored'; readonly stored: readonly StoredIntake[] }
  | { readonly type: 'unstored'; readonly intake: number; readonly error: WireError }
  /** A batch was taken in; its buffer comes back for the next. */
  | { readonly type: 'taken'; readonly buffer: ArrayBuffer; readonly octets: number }

export interface StoredIntake {
  readonly intake: number
  readonly result: Stored
}

/** One end of the channel. */
export interface WriterPort<Sent, Received> {
  send(message: Sent, transfer?: readonly ArrayBuffer[]): void
  /** Sets who hears the other side. */
  receive(hear: (message: Received) => void): void
}

/** An error on its way: structured cloning would lose its code and its hint. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly hint: string | undefined
  readonly stack: string | undefined
  readonly cause: WireError | undefined
}

export function packError(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return {
      name: 'Error',
      message: String(error),
      code: undefined,
      hint: undefined,
      stack: undefined,
      cause: undefined,
    }
  }
  const { name, message, stack, cause } = error
  const { code, hint } = error as { code?: unknown; hint?: unknown }
  return {
    name,
    message,
    code: typeof code === 'string' ? code : undefined,
    hint: typeof hint === 'string' ? hint : undefined,
    stack,
    cause: cause === undefined ? undefined : packError(cause),
  }
}

export function unpackError(packed: WireError): Error {
  const error = rebuild(packed)
  if (packed.stack !== undefined) error.stack = packed.stack
  return error
}

function rebuild({ name, message, code, hint, cause }: WireError): Error {
  const options = {
    ...(cause === undefined ? {} : { cause: unpackError(cause) }),
    ...(hint === undefined ? {} : { hint }),
  }
  if (name === 'LockedError') return new LockedError(message, options)
  if (name === 'ArchiveError') return new ArchiveError(code as ArchiveErrorCode, message, options)
  if (name === 'SqliteError') return new SqliteError(code as SqliteErrorCode, message, options)
  return Object.assign(new Error(message, options), { name }, code === undefined ? {} : { code })
}
