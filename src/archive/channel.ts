/** What passes between the main thread and the writer's: requests with replies, and octets in batches. */
import { ArchiveError, type ArchiveErrorCode, LockedError } from '../durable/errors.ts'
import type { MessageSummary } from '../message/summary.ts'
import { SqliteError, type SqliteErrorCode } from '../sqlite/errors.ts'
import type { Stored } from './group-commit.ts'
import type { BoundBy } from './receipts.ts'

/**
 * What happens to one intake, in order; octets are named by their place in the batch. Tuples, since objects are cloned with the
 * names of their fields, each time, at five times the cost.
 */
export type IntakeStep =
  | BeginStep
  | [step: 'octets', intake: number, start: number, end: number]
  | EndStep
  | readonly [step: 'abandon', intake: number]
  /** Of all intakes of the account that ended since the last such word. */
  | readonly [step: 'inStep' | 'inDoubt', account: string]

export type BeginStep = readonly [
  step: 'begin',
  intake: number,
  account: string,
  uniqueId: string | undefined,
  occurrence: number,
  listedOctets: number | undefined,
  byCanonical: boolean,
]

type EndStep = readonly [step: 'end', intake: number, isShort: boolean, ...summary: PackedSummary]

/** A MessageSummary: its digests lie in the batch, one behind the other. */
export type PackedSummary = readonly [
  digestsStart: number,
  octets: number,
  date: string | null,
  sender: string | null,
  recipients: string | null,
  subject: string | null,
  messageId: string | null,
]

export type ToWriter =
  | {
      readonly type: 'request'
      readonly id: number
      readonly method: string
      readonly account: string
      readonly parameters: readonly unknown[]
    }
  /** The buffer is transferred; `octets` is what the batch counts for until it is taken in. */
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

/** An intake and its Stored, as a tuple for the reason of IntakeStep. */
export type StoredIntake = readonly [
  intake: number,
  receipt: number | undefined,
  message: number,
  octets: number,
  isNew: boolean,
  boundBy: BoundBy,
  isShort: boolean,
]

/** One end of the channel. */
export interface WriterPort<Sent, Received> {
  send(message: Sent, transfer?: readonly ArrayBuffer[]): void
  /** Sets who hears the other side. */
  receive(hear: (message: Received) => void): void
}

const DIGEST_OCTETS = 32

/** What the digests of one message take in a batch. */
export const DIGESTS_OCTETS = 3 * DIGEST_OCTETS

/** Copies the digests into the batch, from `start` on. */
export function packSummary(
  { digest, canonical, fingerprint, octets, facts }: MessageSummary,
  batch: Uint8Array,
  start: number,
): PackedSummary {
  batch.set(digest, start)
  batch.set(canonical, start + DIGEST_OCTETS)
  batch.set(fingerprint, start + 2 * DIGEST_OCTETS)
  const { date, sender, recipients, subject, messageId } = facts
  return [start, octets, date, sender, recipients, subject, messageId]
}

/** Copies the digests out of the batch. */
export function unpackSummary(step: EndStep, batch: Uint8Array): MessageSummary {
  // By place: as an array it would be gone through by an iterator, for each message.
  const { 3: start, 4: octets, 5: date, 6: sender, 7: recipients, 8: subject, 9: messageId } = step
  const digests = batch.slice(start, start + DIGESTS_OCTETS)
  return {
    digest: digests.subarray(0, DIGEST_OCTETS),
    canonical: digests.subarray(DIGEST_OCTETS, 2 * DIGEST_OCTETS),
    fingerprint: digests.subarray(2 * DIGEST_OCTETS),
    octets,
    facts: { date, sender, recipients, subject, messageId },
  }
}

export function packStored(intake: number, stored: Stored): StoredIntake {
  const { receipt, message, octets, isNew, boundBy, isShort } = stored
  return [intake, receipt, message, octets, isNew, boundBy, isShort]
}

export function unpackStored([
  ,
  receipt,
  message,
  octets,
  isNew,
  boundBy,
  isShort,
]: StoredIntake): Stored {
  return { receipt, message, octets, isNew, boundBy, isShort }
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
