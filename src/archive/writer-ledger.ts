/** One account's part of an archive, for the length of a run; synchronous, in the writer's thread. */
import { ArchiveError } from '../durable/errors.ts'
import type { MessageSummary } from '../message/summary.ts'
import { type AccountRun, timeText } from './account-run.ts'
import type { ServerFacts } from './accounts.ts'
import type { Catalog } from './catalog.ts'
import { type ContentStore, type Draft, discardQuietly } from './content.ts'
import type { GroupCommit, IntakeOutcome, PendingMessage } from './group-commit.ts'
import { isHeld, type MessageRecord, type MessageTraits } from './messages.ts'
import type { Owner } from './owner.ts'
import { proveMessage } from './reader-proof.ts'
import { type ReceiptColumns, ReceiptList } from './receipt-columns.ts'
import type { BoundBy, ListingChanges, ReceiptKey } from './receipts.ts'
import type { RunCounts } from './runs.ts'
import type { ShortJudgement } from './short-messages.ts'
import type { Upkeep } from './upkeep.ts'

/** What the ledgers of an archive share. */
export interface WriterRoom {
  readonly catalog: Catalog
  readonly content: ContentStore
  readonly group: GroupCommit
  readonly upkeep: Upkeep
  /** ms since the epoch. */
  now(): number
  /** See WritableArchive, as for the next two. */
  enterWal(): void
  requireInPlace(): void
  requireOneName(): void
}

/** One message on its way in. `stored` follows the commits of message and receipt; after `abandon` nothing of it is kept. */
export interface WriterIntake {
  write(octets: Uint8Array): void
  /** `summary`: of all octets that were written; `isShort`: with fewer octets than its listing allows. */
  end(summary: MessageSummary, options?: { readonly isShort: boolean }): void
  abandon(): void
  /** `stored` may follow, and nothing else is taken: the message has ended, was abandoned or has failed. */
  readonly isOver: boolean
}

/**
 * What writes throws what `GroupCommit.write` does, and does nothing once a write of the archive has failed. What reads throws what
 * SQLite does.
 */
export class WriterLedger {
  readonly #room: WriterRoom
  readonly #run: AccountRun
  readonly #owner: Owner

  constructor(room: WriterRoom, run: AccountRun) {
    this.#room = room
    this.#run = run
    this.#owner = run.owner
  }

  receipts(): ReceiptColumns {
    return this.#room.catalog.receiptPages.read(this.#owner.account)
  }

  fingerprints(receipts: readonly number[]): ReadonlyMap<number, string> {
    return this.#room.catalog.receipts.fingerprints(receipts)
  }

  traits(messages: readonly number[]): ReadonlyMap<number, MessageTraits> {
    return this.#room.catalog.messages.traits(messages)
  }

  shortOnce(): readonly number[] {
    return this.#room.catalog.shorts.receiptsOf(this.#owner.account)
  }

  judgeShort(judgement: ShortJudgement): void {
    this.#run.write(() => this.#room.catalog.shorts.judge(judgement))
  }

  /**
   * `true`: the same maildrop at another host or port. `false`: another maildrop, whose receipts begin anew. Returns what is
   * known of the server there.
   */
  resolveMove(isSameMaildrop: boolean): ServerFacts {
    this.#run.move(isSameMaildrop)
    return this.#owner.account.facts
  }

  /** Two rows of one listing that only a canonical digest made one message are two: the receipt of one is taken back. */
  claim(receipts: readonly number[]): void {
    const { claimedReceipts, claimedMessages } = this.#owner
    const claimed = new Set(receipts)
    // Of this listing alone: in a further session of the run the same receipt has its message already.
    const taken = new Set<number>()
    const recognised: { readonly id: number; readonly message: number }[] = []
    const known = new ReceiptList(this.receipts())
    for (let index = 0; index < known.length; index += 1) {
      const id = known.id(index)
      if (!claimed.has(id)) continue
      claimedReceipts.add(id)
      const message = known.message(index)
      if (message === undefined) continue
      claimedMessages.add(message)
      const isGuess = known.boundBy(index) === 'canonical' && known.state(index) === 'stored'
      if (isGuess) recognised.push({ id, message })
      else taken.add(message)
    }
    const wrong = recognised.filter(({ message }) => {
      const isTaken = taken.has(message)
      taken.add(message)
      return isTaken
    })
    if (wrong.length === 0) return
    this.#run.write(() => this.#room.catalog.receipts.remove(wrong.map(({ id }) => id)))
  }

  intake(
    key: ReceiptKey,
    options: { readonly byCanonical: boolean },
    outcome: IntakeOutcome,
  ): WriterIntake {
    const { byCanonical } = options
    return new LedgerIntake(this.#room, this.#run, { key, byCanonical, outcome })
  }

  /** Messages that ended since the last word belong to their rows. */
  inStep(): void {
    this.#room.group.inStep(this.#owner)
  }

  /** Those that ended since the last word may belong to other rows. */
  inDoubt(): void {
    this.#room.group.inDoubt(this.#owner)
  }

  /** Commits what ended so far; what is in doubt, or no word came of, without a receipt. Does not throw: each intake hears. */
  flush(): void {
    this.#room.group.flushOwner(this.#owner)
  }

  bind(
    bindings: readonly {
      readonly key: ReceiptKey
      readonly message: number
      readonly by: BoundBy
    }[],
  ): void {
    if (bindings.length === 0) return
    const at = timeText(this.#room.now())
    this.#run.write(() => {
      const { account, run, claimedMessages, claimedReceipts } = this.#owner
      for (const binding of bindings) {
        const bound = { ...binding, at, run }
        claimedReceipts.add(this.#room.catalog.receipts.bind(account, bound, claimedReceipts))
        claimedMessages.add(binding.message)
      }
    })
  }

  quarantine(key: ReceiptKey, reason: string): void {
    const at = timeText(this.#room.now())
    this.#run.write(() => {
      const { account, run } = this.#owner
      this.#room.catalog.receipts.quarantine(account, key, { reason, at, run })
    })
  }

  /** One commit. A listing that changed nothing is not recorded at all: the engine knows. */
  recordListing(changes: ListingChanges): void {
    this.#run.write(() => this.#room.catalog.receipts.recordListing(changes, this.#owner.run))
  }

  /**
   * Reads messages back and hashes them. Digests of those that hold; after a failed write nothing is proven in this run. Throws
   * what `requireInPlace` and `requireOneName` of WritableArchive do.
   */
  prove(messages: readonly number[]): ReadonlyMap<number, string> {
    this.#room.group.flush()
    this.#requireTrusted()
    this.#room.content.forget()
    const proven = new Map<number, string>()
    for (const id of messages) {
      if (this.#room.group.failure) return new Map()
      const message = this.#room.catalog.messages.get(id)
      // Octets that are gone or cannot be read are not proven; that is the answer, not a failure.
      if (message && proveMessage(this.#room.content, message).type === 'ok') {
        proven.set(id, Buffer.from(message.digest).toString('hex'))
      }
    }
    return proven
  }

  /** Whether a write of this archive has failed in this run. */
  hasFailed(): boolean {
    return this.#room.group.failure !== undefined
  }

  /** Throws what `WritableArchive.requireInPlace` does. */
  requireInPlace(): void {
    this.#room.requireInPlace()
  }

  /** The last step before DELE. Throws what `prove` does: that may have taken long. */
  deleteSent(receipts: readonly number[]): void {
    if (receipts.length === 0) return
    this.#run.write(() => this.#room.catalog.receipts.deleteSent(receipts))
    this.#requireTrusted()
  }

  #requireTrusted(): void {
    this.#room.requireInPlace()
    this.#room.requireOneName()
  }

  deleteTried(receipts: readonly number[]): void {
    if (receipts.length === 0) return
    this.#run.write(() => this.#room.catalog.receipts.deleteTried(receipts))
  }

  learn(facts: Partial<ServerFacts>): void {
    this.#run.learn(facts)
  }

  /** Commits what waits and ends the run. After a failed write its row stays open, as after a kill. */
  finish(counts: RunCounts, outcome: string): void {
    this.flush()
    if (!this.hasFailed()) this.#run.end(counts, outcome)
  }
}

interface Arrival {
  readonly key: ReceiptKey
  readonly byCanonical: boolean
  readonly outcome: IntakeOutcome
}

/** Which message an arrival is. */
interface Identity {
  /** Undefined if the catalog does not know it yet. */
  readonly message: number | undefined
  readonly by: BoundBy
  /** The archive has its octets, or they wait already. */
  readonly isHere: boolean
}

class LedgerIntake implements WriterIntake {
  readonly #room: WriterRoom
  readonly #owner: Owner
  readonly #arrival: Arrival
  #draft: Draft | undefined
  #octets = 0
  #isOver = false

  constructor(room: WriterRoom, run: AccountRun, arrival: Arrival) {
    this.#room = room
    this.#owner = run.owner
    this.#arrival = arrival
    if (this.#isStopped()) return
    try {
      room.enterWal()
      run.begin()
      this.#draft = room.content.draft()
    } catch (error) {
      this.#fail(error)
    }
  }

  get isOver(): boolean {
    return this.#isOver
  }

  write(octets: Uint8Array): void {
    if (this.#isStopped()) return
    try {
      this.#draft?.write(octets)
      this.#octets += octets.byteLength
    } catch (error) {
      this.#fail(error)
    }
  }

  end(summary: MessageSummary, { isShort } = { isShort: false }): void {
    if (this.#isStopped()) return
    try {
      if (this.#octets !== summary.octets) throw new Error('a summary is not that of its octets')
      const pending = this.#resolve(summary, isShort)
      this.#isOver = true
      this.#room.group.add(pending)
    } catch (error) {
      this.#fail(error)
    }
  }

  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#draft) discardQuietly(this.#draft)
    this.#arrival.outcome.failed(
      new ArchiveError('ARCHIVE_IO', 'the message was abandoned before its end'),
    )
  }

  /** Decides which message this is, and seals its octets if the archive does not have them. */
  #resolve(summary: MessageSummary, isShort: boolean): PendingMessage {
    const { digest, canonical, fingerprint, octets, facts } = summary
    const archivedAt = timeText(this.#room.now())
    const record: MessageRecord = { digest, canonical, fingerprint, octets, facts, archivedAt }
    const owner = this.#owner
    const { outcome, key } = this.#arrival
    owner.ended += 1
    const turn = owner.ended
    const { message, by, isHere } = this.#identify(summary)
    if (isHere) this.#draft?.discard()
    else this.#draft?.seal(digest)
    const arrived = { owner, turn, key, record, by, isShort, outcome }
    return { arrived, message, draft: isHere ? undefined : this.#draft }
  }

  #identify({ digest, canonical }: MessageSummary): Identity {
    const { catalog, content, group } = this.#room
    // Another run may store the same meanwhile: the group looks again.
    catalog.database.beginReading()
    const isKnown = catalog.messages.knows(digest, canonical)
    const twin = isKnown ? catalog.messages.find(digest) : undefined
    if (twin !== undefined && isHeld(twin) && content.has(twin)) {
      return { message: twin.id, by: 'digest', isHere: true }
    }
    // Also where the archive knows the message and has lost its octets: the first draft brings them back for all.
    if (group.hasPending(digest)) return { message: twin?.id, by: 'digest', isHere: true }
    const equal = isKnown && twin === undefined ? this.#recognise(canonical) : undefined
    if (equal === undefined) return { message: twin?.id, by: 'digest', isHere: false }
    this.#owner.claimedMessages.add(equal)
    return { message: equal, by: 'canonical', isHere: true }
  }

  /** By canonical digest; never a message that is another row of the present listing, nor one whose octets are gone. */
  #recognise(canonical: Uint8Array): number | undefined {
    const { catalog, content, group } = this.#room
    const options = { ofAccount: this.#arrival.byCanonical }
    const { account, claimedMessages } = this.#owner
    for (const message of catalog.messages.recognisable(canonical, account.id, options)) {
      const isTaken = claimedMessages.has(message.id) || group.isAwaited(message.id)
      if (!isTaken && content.has(message)) return message.id
    }
    return undefined
  }

  /** A write of the archive that failed has ended this message as well. */
  #isStopped(): boolean {
    const { failure } = this.#room.group
    if (failure && !this.#isOver) this.#fail(failure.error)
    return this.#isOver
  }

  /** Ends this message, and all intake of the archive. */
  #fail(error: unknown): void {
    this.#isOver = true
    if (this.#draft) discardQuietly(this.#draft)
    this.#arrival.outcome.failed(this.#room.group.fail(error))
  }
}
