/** The ledger of the reference archive: intake, receipts and what is known of one account's server. */
import {
  type AccountPlace,
  carefulOf,
  factsAfterMove,
  factsAt,
} from '../../src/archive/accounts.ts'
import { ArchiveError } from '../../src/durable/errors.ts'
import { createMessageDigester } from '../../src/message/digest.ts'
import { headerFacts } from '../../src/message/facts.ts'
import { readHeader } from '../../src/message/header-fields.ts'
import type { AccountLedger, RunCounts } from '../../src/sync/ports/archive.ts'
import type { IntakeOutcome, IntakeSink, Stored } from '../../src/sync/ports/intake.ts'
import type { MessageTraits, Move, ServerFacts } from '../../src/sync/ports/ledger.ts'
import type { Receipt, ReceiptKey, Receipts } from '../../src/sync/ports/receipt.ts'
import type { KeptAccount, MemoryArchive } from './memory-archive.ts'
import { receiptListOf } from './receipt-list-of.ts'

interface Pending {
  /** Its place among the messages that ended, from 1. */
  readonly turn: number
  readonly key: ReceiptKey
  readonly chunks: Buffer[]
  readonly byCanonical: boolean
  readonly isShort: boolean
  readonly outcome: IntakeOutcome
}

/** A message without its receipt. */
interface Unbound extends Pick<Pending, 'turn' | 'key' | 'isShort' | 'outcome'> {
  readonly kept: Omit<Stored, 'receipt' | 'isShort'>
  readonly isClaim: boolean
}

export class MemoryLedger implements AccountLedger {
  readonly account: string
  moved: Move | undefined
  readonly renamedFrom = undefined
  readonly vanished = 0
  readonly isDamaged = false
  readonly unfit = 0
  readonly #archive: MemoryArchive
  readonly #place: AccountPlace
  #account: KeptAccount
  #learned: Partial<ServerFacts> = {}
  #pending: Pending[] = []
  #unbound: Unbound[] = []
  #ended = 0
  #inStep = 0
  readonly #doubted = new Set<number>()
  /** Messages, and receipts, that rows of the present listing have taken. */
  readonly #claimed = new Set<number>()
  readonly #claimedReceipts = new Set<number>()
  /** Messages that a receipt was written of in this run. */
  readonly #bound = new Set<number>()

  constructor(
    archive: MemoryArchive,
    account: KeptAccount,
    place: AccountPlace,
    moved: Move | undefined,
  ) {
    this.#archive = archive
    this.#account = account
    this.#place = place
    this.account = account.name
    this.moved = moved
  }

  get facts(): ServerFacts {
    return { ...factsAt(this.#account, this.#place), ...this.#learned }
  }

  async receipts(): Promise<Receipts> {
    return receiptListOf(this.#account.receipts)
  }

  async fingerprints(ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const found = new Map<number, string>()
    for (const { id, message } of this.#account.receipts) {
      const kept = this.#archive.messages.find((m) => m.id === message)
      if (kept && ids.includes(id)) found.set(id, kept.fingerprint)
    }
    return found
  }

  async traits(ids: readonly number[]): Promise<ReadonlyMap<number, MessageTraits>> {
    const found = new Map<number, MessageTraits>()
    const asked = new Set(ids)
    for (const { id, octets, header, archivedAt, short } of this.#archive.messages) {
      if (!asked.has(id)) continue
      const { date, subject } = headerFacts(header)
      found.set(id, {
        octets: octets.length,
        date: date === null ? undefined : Date.parse(date),
        archivedAt,
        subject: subject ?? undefined,
        isShort: short !== 0,
      })
    }
    return found
  }

  async resolveMove(isSame: boolean): Promise<void> {
    this.#step()
    const facts = { ...factsAfterMove(this.#account, this.#place), ...this.#learned }
    Object.assign(this.#account, { ...this.#place, facts })
    this.moved = undefined
    if (!isSame) this.#account.receipts = []
  }

  async claim(ids: readonly number[]): Promise<void> {
    const listed = this.#account.receipts.filter(({ id }) => ids.includes(id))
    const isGuess = ({ boundBy, state }: Receipt) => boundBy === 'canonical' && state === 'stored'
    const taken = new Set<number>()
    for (const receipt of [
      ...listed.filter((r) => !isGuess(r)),
      ...listed.filter((r) => isGuess(r)),
    ]) {
      const { id, message } = receipt
      this.#claimedReceipts.add(id)
      if (message === undefined) continue
      if (isGuess(receipt) && taken.has(message)) {
        // Two rows of one listing are two messages.
        this.#account.receipts = this.#account.receipts.filter((r) => r !== receipt)
      }
      taken.add(message)
      this.#claimed.add(message)
    }
  }

  intake(
    key: ReceiptKey,
    { byCanonical }: { readonly byCanonical: boolean },
    outcome: IntakeOutcome,
  ): IntakeSink {
    const chunks: Buffer[] = []
    return {
      write: (octets) => {
        chunks.push(Buffer.from(octets))
        return undefined
      },
      end: ({ isShort } = { isShort: false }) => {
        this.#ended += 1
        this.#pending.push({ turn: this.#ended, key, chunks, byCanonical, isShort, outcome })
        return this.#pending.length >= 3 ? this.#commit() : undefined
      },
      abandon: () => outcome.failed(new Error('abandoned')),
    }
  }

  inStep(): void {
    this.#inStep = this.#ended
  }

  inDoubt(): void {
    for (let turn = this.#inStep + 1; turn <= this.#ended; turn += 1) this.#doubted.add(turn)
    this.#inStep = this.#ended
  }

  #isBindable({ turn }: { readonly turn: number }): boolean {
    return turn <= this.#inStep && !this.#doubted.has(turn)
  }

  async flush(): Promise<void> {
    await this.#commit()
    this.#doubted.clear()
    for (const { kept, isClaim, outcome } of this.#unbound.splice(0)) {
      if (isClaim && !this.#bound.has(kept.message)) this.#claimed.delete(kept.message)
      outcome.stored({ ...kept, receipt: undefined, isShort: false })
    }
  }

  /** One step: the messages that ended, and the receipts of those that are known to be in step. */
  async #commit(): Promise<void> {
    const pending = this.#pending.splice(0)
    if (pending.length === 0 && !this.#unbound.some((one) => this.#isBindable(one))) return
    try {
      this.#step()
    } catch (error) {
      const lost = [...this.#unbound, ...pending]
      this.#unbound = []
      for (const { outcome } of lost) outcome.failed(error)
      throw error
    }
    const waiting = [...this.#unbound, ...pending.map((one) => this.#keep(one))]
    this.#unbound = waiting.filter((one) => !this.#isBindable(one))
    const bound = waiting
      .filter((one) => this.#isBindable(one))
      .map((one) => ({ one, receipt: this.#bind(one.key, one.kept.message, one.kept.boundBy) }))
    for (const { one } of bound) {
      this.#bound.add(one.kept.message)
      if (one.kept.boundBy === 'digest') this.#takeBack(one.kept.message)
    }
    const left = new Set(this.#account.receipts.map(({ id }) => id))
    for (const { one, receipt } of bound) {
      // It may have been taken back within the commit.
      const told = left.has(receipt) ? receipt : undefined
      one.outcome.stored({ ...one.kept, receipt: told, isShort: this.#markShort(one) })
    }
  }

  #markShort({ isShort, kept: { message: id, boundBy } }: Unbound): boolean {
    const message = this.#archive.messages.find((m) => m.id === id)
    if (message === undefined || boundBy !== 'digest') return false
    if (message.short < 2) message.short = isShort ? 1 : 0
    return message.short === 1
  }

  async shortOnce(): Promise<readonly number[]> {
    const short = new Set(this.#archive.messages.filter((m) => m.short === 1).map(({ id }) => id))
    return this.#account.receipts.flatMap(({ id, message = 0 }) => (short.has(message) ? id : []))
  }

  async judgeShort(judgement: Parameters<AccountLedger['judgeShort']>[0]): Promise<void> {
    this.#step()
    const { final, whole, superseded } = judgement
    for (const message of this.#archive.messages) {
      if (final.includes(message.id)) message.short = 2
      if (whole.includes(message.id)) message.short = 0
    }
    this.#account.receipts = this.#account.receipts.filter(({ id }) => !superseded.includes(id))
  }

  #keep({ turn, key, chunks, byCanonical, isShort, outcome }: Pending): Unbound {
    const octets = Buffer.concat(chunks)
    const digester = createMessageDigester()
    digester.write(octets)
    const { digest, canonical, fingerprint } = digester.end()
    const fresh = { digest: hex(digest), canonical: hex(canonical), fingerprint: hex(fingerprint) }
    const { messages, accounts } = this.#archive
    const bound = (id: number) =>
      accounts.flatMap((a) => a.receipts.filter((r) => r.message === id))
    let kept = messages.find((m) => m.digest === fresh.digest)
    let boundBy: 'digest' | 'canonical' = 'digest'
    if (!kept) {
      kept = messages.find(
        (m) =>
          m.canonical === fresh.canonical &&
          !this.#claimed.has(m.id) &&
          !this.#archive.removed.has(m.id) &&
          (bound(m.id).length === 0 ||
            (byCanonical && bound(m.id).every((r) => this.#account.receipts.includes(r)))),
      )
      if (kept) boundBy = 'canonical'
    }
    // Octets that their owner removed are not held.
    const isNew = kept === undefined || this.#archive.restoreMessage(kept.id)
    if (!kept) {
      const archivedAt = this.#archive.now
      kept = {
        id: messages.length + 1,
        octets,
        ...fresh,
        header: readHeader([octets]),
        archivedAt,
        short: 0,
      }
      messages.push(kept)
    }
    const isClaim = !this.#claimed.has(kept.id)
    this.#claimed.add(kept.id)
    const came = { octets: octets.length, digest: fresh.digest }
    const stored = { message: kept.id, ...came, isNew, boundBy }
    return { turn, key, isShort, outcome, kept: stored, isClaim }
  }

  #bind(key: ReceiptKey, message: number, boundBy: Receipt['boundBy']): number {
    const { receipts } = this.#account
    const sameKey = (r: Receipt) =>
      r.uniqueId === key.uniqueId &&
      r.octets === key.octets &&
      (key.uniqueId === undefined
        ? r.message === message && !this.#claimedReceipts.has(r.id)
        : r.occurrence === key.occurrence)
    const at = receipts.findIndex(sameKey)
    const id = receipts[at]?.id ?? Math.max(0, ...this.#allReceiptIds()) + 1
    const receipt: Receipt = {
      ...key,
      id,
      message,
      boundBy,
      boundAt: receipts.find((r) => r.message === message)?.boundAt ?? this.#archive.now,
      state: this.#archive.removed.has(message) ? 'removed' : 'stored',
      absent: false,
      attempts: receipts[at]?.message === message ? receipts[at].attempts : 0,
    }
    if (at === -1) receipts.push(receipt)
    else receipts[at] = receipt
    this.#claimed.add(message)
    this.#claimedReceipts.add(id)
    return id
  }

  /** Rows that took the message by its canonical digest are others. */
  #takeBack(message: number): void {
    this.#account.receipts = this.#account.receipts.filter(
      (r) => r.message !== message || r.boundBy !== 'canonical' || r.state !== 'stored',
    )
  }

  #allReceiptIds(): number[] {
    return this.#archive.accounts.flatMap((a) => a.receipts.map(({ id }) => id))
  }

  async bind(bindings: Parameters<AccountLedger['bind']>[0]): Promise<void> {
    this.#step()
    for (const { key, message, by } of bindings) this.#bind(key, message, by)
  }

  async quarantine(key: ReceiptKey): Promise<void> {
    this.#step()
    const { receipts } = this.#account
    const at = receipts.findIndex(
      (r) =>
        r.uniqueId === key.uniqueId &&
        r.octets === key.octets &&
        r.occurrence === key.occurrence &&
        (key.uniqueId !== undefined || r.state === 'quarantined'),
    )
    const former = receipts[at]
    if (former && former.state !== 'quarantined') return
    const receipt: Receipt = {
      ...key,
      id: former?.id ?? Math.max(0, ...this.#allReceiptIds()) + 1,
      message: undefined,
      boundBy: undefined,
      boundAt: this.#archive.now,
      state: 'quarantined',
      absent: false,
      attempts: (former?.attempts ?? 0) + 1,
    }
    if (former) receipts[at] = receipt
    else receipts.push(receipt)
  }

  async recordListing(changes: Parameters<AccountLedger['recordListing']>[0]): Promise<void> {
    this.#step()
    const { removed } = this.#archive
    const back = ({ message = 0 }: Receipt) => (removed.has(message) ? 'removed' : 'stored')
    this.#account.receipts = this.#account.receipts.map((r) => ({
      ...r,
      state: changes.deleted.includes(r.id)
        ? 'deleted'
        : changes.undeleted.includes(r.id)
          ? back(r)
          : r.state,
      attempts: changes.deleted.includes(r.id) ? 0 : r.attempts,
      absent: changes.absent.includes(r.id) || (r.absent && !changes.present.includes(r.id)),
    }))
  }

  async requireInPlace(): Promise<void> {
    this.#step()
    if (!this.#archive.isInPlace()) throw new ArchiveError('ARCHIVE_IO', 'it was moved')
  }

  async prove(messages: readonly number[]): Promise<ReadonlyMap<number, string>> {
    await this.requireInPlace()
    const { altered, removed } = this.#archive
    return new Map(
      this.#archive.messages
        .filter(({ id }) => messages.includes(id) && !altered.has(id) && !removed.has(id))
        .map(({ id, digest }) => [id, digest]),
    )
  }

  async deleteSent(ids: readonly number[]): Promise<void> {
    await this.requireInPlace()
    this.#account.receipts = this.#account.receipts.map((r) =>
      ids.includes(r.id) ? { ...r, state: 'delete sent' } : r,
    )
  }

  async deleteTried(ids: readonly number[]): Promise<void> {
    this.#step()
    this.#account.receipts = this.#account.receipts.map((r) =>
      ids.includes(r.id) ? { ...r, attempts: (r.attempts ?? 0) + 1 } : r,
    )
  }

  async learn(facts: Partial<ServerFacts>): Promise<void> {
    this.#step()
    this.#learned = { ...this.#learned, ...facts }
    const known = this.moved === undefined ? facts : carefulOf(facts)
    this.#account.facts = { ...this.#account.facts, ...known }
  }

  async finish(_counts: RunCounts, outcome: string): Promise<void> {
    await this.flush()
    this.#archive.outcomes.push(outcome)
  }

  #step(): void {
    this.#archive.fuse?.step()
  }
}

function hex(octets: Uint8Array): string {
  return Buffer.from(octets).toString('hex')
}
