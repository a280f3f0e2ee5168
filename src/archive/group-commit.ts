/**
 * Group commit: messages that are complete wait for each other a short while, then become durable by one publication of
 * their content and one COMMIT of message rows, content rows and receipts.
 *
 * A receipt is written only once its account said that the session was in step: until then nobody knows whether the octets
 * are those of its row, and a process that is killed takes nothing back. Such a message is committed with its group all the
 * same, and its receipt with the first group behind that word; it is found again by its digest if that never comes, or if the
 * account says that it is in doubt.
 *
 * A failed commit fails the archive for the rest of the run: nobody knows what the disk holds, so nothing more is stored
 * and nothing is proven.
 */
import { asArchiveError } from '../durable/errors.ts'
import type { Catalog } from './catalog.ts'
import { type ContentStore, type Draft, discardQuietly } from './content.ts'
import { GROUP_MESSAGES, GROUP_MS, GROUP_OCTETS } from './limits.ts'
import { isHeld, type MessageRecord } from './messages.ts'
import type { Owner } from './owner.ts'
import type { BoundBy, ReceiptKey } from './receipts.ts'
import type { Upkeep } from './upkeep.ts'

/** What became of one retrieved message once its commit, and that of its receipt, returned. */
export interface Stored {
  /** Undefined where nobody said that the message is its row's: the message is durable, and has no receipt. */
  readonly receipt: number | undefined
  readonly message: number
  /** Octets as they left the wire. */
  readonly octets: number
  /** False if the archive held these octets, or their canonical equal, already. */
  readonly isNew: boolean
  readonly boundBy: BoundBy
  /** It carries the mark `short`, and is to be retrieved once more. */
  readonly isShort: boolean
}

/** Hears what became of a message, once. */
export interface IntakeOutcome {
  stored(result: Stored): void
  failed(error: unknown): void
}

/** A complete message, without its octets. */
export interface Arrived {
  readonly owner: Owner
  /** Its place among the messages of its owner that ended, from 1. */
  readonly turn: number
  readonly key: ReceiptKey
  readonly record: MessageRecord
  readonly by: BoundBy
  /** With fewer octets than its listing allows. */
  readonly isShort: boolean
  readonly outcome: IntakeOutcome
}

/** One that waits for its commit. */
export interface PendingMessage {
  readonly arrived: Arrived
  /** The message that is to be bound, where it is known already. */
  readonly message: number | undefined
  /** The sealed octets, where the archive does not have them. */
  readonly draft: Draft | undefined
}

/** A message of the archive that has no receipt yet. */
interface Kept {
  readonly arrived: Arrived
  readonly message: number
  /** Undefined where the archive had its octets. */
  readonly draft: Draft | undefined
}

/** A durable message whose receipt waits for the word that the session was in step. */
interface Unbound {
  readonly kept: Kept
  /** No other row had taken the message before. */
  readonly isClaim: boolean
}

interface Bound extends Pick<Stored, 'isShort'> {
  readonly kept: Kept
  readonly receipt: number
}

/** Starts a timer and returns what stops it. */
export type StartTimer = (act: () => void, ms: number) => () => void

export interface GroupStores {
  readonly catalog: Catalog
  readonly content: ContentStore
  readonly upkeep: Upkeep
}

export class GroupCommit {
  readonly #catalog: Catalog
  readonly #content: ContentStore
  readonly #upkeep: Upkeep
  readonly #startTimer: StartTimer
  readonly #pending: PendingMessage[] = []
  #unbound: readonly Unbound[] = []
  /** Of the waiting messages: beginnings of digests whose octets come with them, and messages to be bound. */
  readonly #beginnings = new Set<number>()
  readonly #awaited = new Set<number>()
  #octets = 0
  #isSettling = false
  #stopTimer: (() => void) | undefined
  #failure: { readonly error: unknown } | undefined

  constructor({ catalog, content, upkeep }: GroupStores, startTimer: StartTimer) {
    this.#catalog = catalog
    this.#content = content
    this.#upkeep = upkeep
    this.#startTimer = startTimer
  }

  /** Set once a write has failed: an ArchiveError, or a fault of the program. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure
  }

  /** Does not throw, also where it commits: see `flush`. */
  add(message: PendingMessage): void {
    this.#note(message)
    this.#schedule()
  }

  /** Those of this owner that ended since the last word are those of their rows: their receipts come with the next commit. */
  inStep(owner: Owner): void {
    owner.judged = owner.ended
    if (this.#isSomeBindable()) this.#wait()
  }

  /** Those of this owner that ended since the last word may be of other rows: they stay without receipts. */
  inDoubt(owner: Owner): void {
    for (let turn = owner.judged + 1; turn <= owner.ended; turn += 1) owner.doubted.add(turn)
    owner.judged = owner.ended
  }

  /** Whether a message with this digest waits, and its octets with it. */
  hasPending(digest: Uint8Array): boolean {
    if (!this.#beginnings.has(beginning(digest))) return false
    return this.#pending.some(
      ({ draft, arrived }) => draft && Buffer.compare(arrived.record.digest, digest) === 0,
    )
  }

  /** Whether a waiting message is to be bound to this one. */
  isAwaited(message: number): boolean {
    return this.#awaited.has(message)
  }

  /**
   * Commits what waits and is ready, in the order in which it was added: nothing before a message whose draft is not. Does not
   * throw: each message hears of a failure by `failed`, and `failure` is set.
   */
  flush(): void {
    this.#stopTimer?.()
    this.#stopTimer = undefined
    const group = this.#takeReady()
    if (group.length > 0 || this.#isSomeBindable()) {
      try {
        this.#commit(group)
      } catch (error) {
        this.#giveUp(group, error)
      }
    }
    if (this.#pending.length > 0) this.#schedule()
  }

  /**
   * Commits what waits, which has to be ready; messages of this owner that are in doubt, or that no word came of, stay without
   * receipts. Does not throw otherwise, as `flush`.
   */
  flushOwner(owner: Owner): void {
    this.flush()
    if (this.#pending.some(({ arrived }) => arrived.owner === owner)) {
      throw new Error('a draft is not ready')
    }
    const left = this.#unbound.filter(({ kept }) => kept.arrived.owner === owner)
    this.#unbound = this.#unbound.filter(({ kept }) => kept.arrived.owner !== owner)
    owner.doubted.clear()
    for (const { kept, isClaim } of left) {
      // A copy that comes in a further session may be recognised as this one.
      if (isClaim && !owner.boundMessages.has(kept.message)) {
        owner.claimedMessages.delete(kept.message)
      }
      tell(kept, { receipt: undefined, isShort: false })
    }
  }

  /**
   * Runs a write transaction of the catalog, after what is ready; its failure fails the archive. Throws the archive's first failure:
   * ArchiveError ARCHIVE_FULL, ARCHIVE_DENIED, ARCHIVE_IO, ARCHIVE_DAMAGED or ARCHIVE_LOCKED (another program kept the file).
   */
  write<T>(body: () => T): T {
    this.flush()
    if (this.#failure) throw this.#failure.error
    try {
      return this.#catalog.database.transaction(body)
    } catch (error) {
      throw this.fail(error)
    }
  }

  /** Nothing more is stored from now on. Does not throw, but returns the error that everyone will hear. */
  fail(cause: unknown): unknown {
    const error = asArchiveError(cause, this.#catalog.database.path, 'write')
    this.#failure ??= { error }
    this.#giveUp([], error)
    return this.#failure.error
  }

  #isSomeBindable(): boolean {
    return this.#unbound.some(({ kept }) => isInStep(kept))
  }

  #schedule(): void {
    if (this.#pending.length >= GROUP_MESSAGES || this.#octets >= GROUP_OCTETS) this.#settle()
    else this.#wait()
  }

  #wait(): void {
    this.#stopTimer ??= this.#startTimer(() => this.#settle(), GROUP_MS)
  }

  /** Commits what waits now, as soon as all of it is ready. */
  #settle(): void {
    if (this.#isSettling) return
    const settled = this.#content.syncs?.settled()
    if (settled === undefined) {
      this.flush()
      return
    }
    this.#isSettling = true
    void settled.then(() => {
      this.#isSettling = false
      this.flush()
    })
  }

  #note(message: PendingMessage): void {
    const { digest, octets } = message.arrived.record
    this.#pending.push(message)
    if (message.draft) this.#beginnings.add(beginning(digest))
    if (message.message !== undefined) this.#awaited.add(message.message)
    this.#octets += octets
  }

  #takeReady(): readonly PendingMessage[] {
    const unready = this.#pending.findIndex(({ draft }) => draft?.isReady === false)
    return this.#takePending(unready === -1 ? this.#pending.length : unready)
  }

  /** The first `count` of those that wait. */
  #takePending(count = this.#pending.length): readonly PendingMessage[] {
    const group = this.#pending.splice(0, count)
    this.#beginnings.clear()
    this.#awaited.clear()
    this.#octets = 0
    for (const left of this.#pending.splice(0)) this.#note(left)
    return group
  }

  /**
   * Tells those whose receipts were committed. No loop here, nor in `#write`: V8 compiles what has a long one with all that it
   * calls, and throws that away at the next group that is a little different.
   */
  #commit(group: readonly PendingMessage[]): void {
    if (this.#failure) throw this.#failure.error
    const arriving = group.filter(({ draft }) => draft !== undefined)
    if (arriving.length > 0) {
      this.#upkeep.beforePublish(arriving.map(({ arrived }) => arrived.owner.run))
    }
    const { kept, bound, takenBack } = this.#catalog.database.transaction(() => this.#write(group))
    group.forEach(({ draft }, index) => {
      // Only now: a statement that fails within the transaction could end it, and what follows would commit by itself.
      if (draft && kept[index]?.draft === undefined) discardQuietly(draft)
    })
    this.#unbound = this.#unbound.concat(kept.map(claim)).filter((one) => !isInStep(one.kept))
    tellAll(bound, takenBack)
  }

  /** Within the transaction: behind the catalog's write lock another run that has the same octets comes before or after, not between. */
  #write(group: readonly PendingMessage[]) {
    const kept = group.map(this.#enter, this)
    this.#content.publish(kept.map(({ draft }) => draft).filter((draft) => draft !== undefined))
    kept.forEach(this.#attach, this)
    const unbound = this.#unbound.map((one) => one.kept)
    const bound = unbound.concat(kept).filter(isInStep).map(this.#bind, this)
    const takenBack = new Set(bound.flatMap(this.#takeBack, this))
    return { kept, bound, takenBack }
  }

  /** Within the transaction. The draft is left out where another run has stored these octets since they were looked for. */
  #enter({ arrived, message, draft }: PendingMessage): Kept {
    if (message !== undefined && draft === undefined) return { arrived, message, draft }
    const { messages, receipts } = this.#catalog
    const inserted = message === undefined && draft ? messages.insert(arrived.record) : undefined
    if (inserted !== undefined) return { arrived, message: inserted, draft }
    const twin = messages.find(arrived.record.digest)
    if (twin === undefined) throw new Error('a message that waited for its twin has none')
    if (draft === undefined || (isHeld(twin) && this.#content.has(twin))) {
      return { arrived, message: twin.id, draft: undefined }
    }
    if (messages.restore(twin.id)) receipts.restore(twin.id)
    return { arrived, message: twin.id, draft }
  }

  #attach({ message, draft }: Kept): void {
    if (draft) this.#content.attach(this.#catalog.database, message, draft)
  }

  /** Within the transaction. */
  #bind(kept: Kept): Bound {
    const { arrived, message } = kept
    const { owner, key, record, by } = arrived
    const binding = { key, message, by, at: record.archivedAt, run: owner.run }
    const receipt = this.#catalog.receipts.bind(owner.account, binding, owner.claimedReceipts)
    owner.claimedReceipts.add(receipt)
    owner.boundMessages.add(message)
    return { kept, receipt, isShort: this.#markShort(kept) }
  }

  /**
   * Within the transaction. A row that came earlier may have taken the message by its canonical digest, when nobody knew that
   * the message itself was still to come. Returns its receipt, which is no more.
   */
  #takeBack({ kept: { arrived, message, draft } }: Bound): readonly number[] {
    const { owner, by } = arrived
    // Once: a maildrop may list one message 20,000 times.
    if (by !== 'digest' || draft || owner.exactMessages.has(message)) return []
    owner.exactMessages.add(message)
    return this.#catalog.receipts.takeBack(owner.account, message)
  }

  /** Within the transaction, and not before it is known whose listing it came short of. */
  #markShort({ arrived: { by, isShort }, message, draft }: Kept): boolean {
    if (by !== 'digest') return false
    if (isShort) return this.#catalog.shorts.cameShort(message)
    if (!draft) this.#catalog.shorts.cameWhole(message)
    return false
  }

  #giveUp(group: readonly PendingMessage[], cause: unknown): void {
    const error = asArchiveError(cause, this.#catalog.database.path, 'write')
    this.#failure ??= { error }
    this.#stopTimer?.()
    this.#stopTimer = undefined
    for (const { draft, arrived } of [...group, ...this.#takePending()]) {
      if (draft) discardQuietly(draft)
      arrived.outcome.failed(error)
    }
    const unbound = this.#unbound
    this.#unbound = []
    for (const { kept } of unbound) kept.arrived.outcome.failed(error)
  }
}

function isInStep({ arrived: { owner, turn } }: Kept): boolean {
  return turn <= owner.judged && !owner.doubted.has(turn)
}

function claim(kept: Kept): Unbound {
  const { message, arrived } = kept
  const { owner, by } = arrived
  // What a canonical digest recognised was claimed then, and was nobody's before.
  const isClaim = by === 'canonical' || !owner.claimedMessages.has(message)
  owner.claimedMessages.add(message)
  return { kept, isClaim }
}

function tellAll(bound: readonly Bound[], takenBack: ReadonlySet<number>): void {
  for (const { kept, receipt, isShort } of bound) {
    tell(kept, { receipt: takenBack.has(receipt) ? undefined : receipt, isShort })
  }
}

function tell(
  { arrived, message, draft }: Kept,
  { receipt, isShort }: Pick<Stored, 'receipt' | 'isShort'>,
): void {
  const { record, by, outcome } = arrived
  const isNew = draft !== undefined
  outcome.stored({ receipt, message, octets: record.octets, isNew, boundBy: by, isShort })
}

/** As much of a digest as V8 keeps without an object of its own: few others begin with it. */
function beginning(digest: Uint8Array): number {
  const { 0: first = 0, 1: second = 0, 2: third = 0 } = digest
  return (first << 16) | (second << 8) | third
}
