/**
 * One account's run in an archive, and what the catalog says of both. It begins with its first write, in one commit with it: a
 * run that finds nothing new has one commit, at its end.
 */
import {
  type Account,
  type AccountIdentity,
  carefulOf,
  moveOf,
  type ServerFacts,
} from './accounts.ts'
import type { Catalog } from './catalog.ts'
import type { GroupCommit } from './group-commit.ts'
import { IdSet } from './id-set.ts'
import type { Owner } from './owner.ts'
import type { RunCounts } from './runs.ts'
import type { Upkeep } from './upkeep.ts'

/** Of what has no row yet: SQLite's begin at 1. */
const UNWRITTEN = 0

export interface RunRoom {
  readonly catalog: Catalog
  readonly group: GroupCommit
  readonly upkeep: Upkeep
  /** ms since the epoch. */
  now(): number
}

/** All that writes throws what `GroupCommit.write` does. */
export class AccountRun {
  readonly owner: { -readonly [Key in keyof Owner]: Owner[Key] }
  readonly #room: RunRoom
  readonly #identity: AccountIdentity
  readonly #openedAt: number
  /** Since the opening. */
  #learned: Partial<ServerFacts> | undefined

  /** `known`: as the catalog knows the account. One that it does not know is entered as the run begins. */
  constructor(room: RunRoom, identity: AccountIdentity, known: Account | undefined) {
    this.#room = room
    this.#identity = identity
    this.#openedAt = room.now()
    this.owner = {
      // Without receipts: no row has this id.
      account: known ?? {
        port: undefined,
        ...identity,
        id: UNWRITTEN,
        epoch: UNWRITTEN,
        facts: {},
      },
      run: UNWRITTEN,
      claimedMessages: new IdSet(),
      claimedReceipts: new IdSet(),
      boundMessages: new IdSet(),
      exactMessages: new IdSet(),
      ...{ ended: 0, judged: 0, doubted: new Set() },
    }
  }

  get #hasBegun(): boolean {
    return this.owner.run !== UNWRITTEN
  }

  /** In one commit. `body` may rely on the rows of account and run. */
  write(body: () => void): void {
    this.#room.group.write(() => {
      if (!this.#hasBegun) this.#begin()
      body()
    })
  }

  begin(): void {
    if (!this.#hasBegun) this.write(() => undefined)
  }

  /**
   * What is learned before the run has begun is written as it begins. A kill before that costs what the next login shows again,
   * or at worst one login that comes too soon.
   */
  learn(facts: Partial<ServerFacts>): void {
    this.#learned = { ...this.#learned, ...facts }
    if (this.#hasBegun) this.write(() => this.#remember(facts))
  }

  /** Where the account is from now on, and what was learned there since the opening. */
  move(isSameMaildrop: boolean): void {
    const { accounts } = this.#room.catalog
    this.write(() => {
      const { account } = this.owner
      const epoch = isSameMaildrop ? account.epoch : account.epoch + 1
      const moved = accounts.move(account, this.#identity, epoch)
      this.owner.account = accounts.learn(moved, this.#learned ?? {})
    })
  }

  /**
   * Records how the run ended, but not that of a new account of which nothing was to be written: one whose login never succeeded
   * may be misspelt, and nobody shall find it in the archive.
   */
  end(counts: RunCounts, outcome: string): void {
    const { catalog, upkeep, now } = this.#room
    const isUnheardOf = this.owner.account.id === UNWRITTEN && this.#learned === undefined
    if (isUnheardOf) return
    const at = timeText(now())
    this.write(() => {
      catalog.runs.end(this.owner.run, counts, outcome, at)
      upkeep.atCleanEnd(this.owner.run)
    })
  }

  /** Within a transaction. Behind one that fails nothing is written any more. */
  #begin(): void {
    const { accounts, runs } = this.#room.catalog
    if (this.owner.account.id === UNWRITTEN) this.owner.account = accounts.insert(this.#identity)
    this.owner.run = runs.begin(this.owner.account.id, timeText(this.#openedAt))
    if (this.#learned) this.#remember(this.#learned)
  }

  /** Within a transaction. */
  #remember(facts: Partial<ServerFacts>): void {
    const { account } = this.owner
    const isMoved = moveOf(account, this.#identity) !== undefined
    const { accounts } = this.#room.catalog
    this.owner.account = accounts.learn(account, isMoved ? carefulOf(facts) : facts)
  }
}

/** RFC 3339 UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
