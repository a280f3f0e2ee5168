/**
 * Everything that is written to one archive goes through its writer: synchronous, in a thread of its own, shared by the
 * accounts that keep their mail there.
 */
import { accountLock, type Lock } from '../durable/lock.ts'
import { AccountRun } from './account-run.ts'
import {
  type Account,
  type AccountIdentity,
  type AccountTable,
  factsAt,
  type Move,
  moveOf,
  type ServerFacts,
} from './accounts.ts'
import { type Catalog, openCatalog } from './catalog.ts'
import { GroupCommit, type StartTimer } from './group-commit.ts'
import type { WritableArchive } from './open.ts'
import { beginUpkeep, type Upkeep } from './upkeep.ts'
import { WriterLedger, type WriterRoom } from './writer-ledger.ts'

export interface WriterClock {
  /** ms since the epoch. */
  now(): number
  readonly startTimer: StartTimer
}

/** What opening an account found out. */
export interface OpenedAccount {
  readonly account: string
  /** The name under which the catalog knew this account, if it was renamed by this opening. */
  readonly renamedFrom: string | undefined
  /** Known at another host or port, or for another user: its receipts prove nothing until `resolveMove`. */
  readonly moved: Move | undefined
  /** Maildir: files that vanished since the last run; if `isDamaged`, too many to be their owner's act. */
  readonly vanished: number
  readonly isDamaged: boolean
  /** Maildir: altered or unreadable files that the catalog does not know; 0 but for the first account that opens. */
  readonly unfit: number
  readonly facts: ServerFacts
}

interface OpenLedger {
  readonly ledger: WriterLedger
  readonly locks: readonly Lock[]
}

export class ArchiveWriter {
  readonly #archive: WritableArchive
  readonly #catalog: Catalog
  readonly #clock: WriterClock
  readonly #upkeep: Upkeep
  readonly #group: GroupCommit
  readonly #ledgers = new Map<string, OpenLedger>()
  #isTold = false

  constructor(archive: WritableArchive, clock: WriterClock) {
    this.#archive = archive
    this.#clock = clock
    this.#catalog = openCatalog(archive.database)
    this.#upkeep = beginUpkeep(archive, () => clock.now())
    const { content } = archive
    const stores = { catalog: this.#catalog, content, upkeep: this.#upkeep }
    this.#group = new GroupCommit(stores, clock.startTimer)
  }

  /**
   * Takes the account's lock and recognises the account. Its run begins with the first that is written of it, and so is an account
   * entered that is new. Throws LockedError if another run holds the account, or one that it was renamed from.
   */
  openAccount(
    identity: AccountIdentity,
    configured: ReadonlySet<string>,
  ): { readonly ledger: WriterLedger; readonly opened: OpenedAccount } {
    const locks: Lock[] = []
    try {
      locks.push(this.#lock(identity.name))
      const former = this.#formerName(identity, configured)
      if (former !== undefined) locks.push(this.#lock(former))
      const known = this.#group.write(() => this.#known(identity, configured))
      const room = this.#room()
      const run = new AccountRun(room, identity, known)
      const ledger = new WriterLedger(room, run)
      const { account } = run.owner
      this.#ledgers.set(identity.name, { ledger, locks })
      return {
        ledger,
        opened: {
          account: identity.name,
          renamedFrom: former,
          moved: moveOf(account, identity),
          isDamaged: this.#upkeep.isDamaged,
          ...this.#untold(),
          facts: factsAt(account, identity),
        },
      }
    } catch (error) {
      for (const lock of locks) lock.close()
      throw error
    }
  }

  /** Frees the locks of an account whose run is over. */
  release(account: string): void {
    for (const lock of this.#ledgers.get(account)?.locks ?? []) lock.close()
    this.#ledgers.delete(account)
  }

  /** To be called when all that came is taken in: what was looked up for it keeps others from the end of a checkpoint. */
  endReading(): void {
    this.#catalog.database.endReading()
  }

  /** Commits what waits and leaves the archive. */
  close(): void {
    this.#group.flush()
    for (const account of this.#ledgers.keys()) this.release(account)
    this.#archive.close()
  }

  /** The accounts of an archive have its files in common: one of them tells. */
  #untold(): { readonly vanished: number; readonly unfit: number } {
    const { vanished, unfit, isDamaged } = this.#upkeep
    const isTold = this.#isTold
    this.#isTold = true
    // Damage ends each of their runs, and each says why.
    return { vanished: isTold && !isDamaged ? 0 : vanished, unfit: isTold ? 0 : unfit }
  }

  #room(): WriterRoom {
    return {
      catalog: this.#catalog,
      content: this.#archive.content,
      group: this.#group,
      enterWal: () => this.#archive.enterWal(),
      upkeep: this.#upkeep,
      now: () => this.#clock.now(),
      requireInPlace: () => this.#archive.requireInPlace(),
      requireOneName: () => this.#archive.requireOneName(),
    }
  }

  #lock(account: string): Lock {
    const lock = accountLock(this.#archive.location.path, account)
    try {
      lock.acquire('exclusive', 0)
      return lock
    } catch (error) {
      lock.close()
      throw error
    }
  }

  #formerName(identity: AccountIdentity, configured: ReadonlySet<string>): string | undefined {
    const { accounts } = this.#catalog
    if (accounts.find(identity.name) !== undefined) return undefined
    return accounts.findRenamed(identity, configured)?.name
  }

  /** Within a transaction. Undefined: the catalog does not know this account. */
  #known(identity: AccountIdentity, configured: ReadonlySet<string>): Account | undefined {
    const { accounts, receipts } = this.#catalog
    const account = recognise(accounts, identity, configured)
    if (account === undefined) return undefined
    const isMoved = moveOf(account, identity) !== undefined
    // Without receipts there is nothing that could prove too much.
    const mayMove = isMoved ? receipts.count(account) === 0 : account.port === undefined
    return mayMove ? accounts.move(account, identity, account.epoch) : account
  }
}

function recognise(
  accounts: AccountTable,
  identity: AccountIdentity,
  configured: ReadonlySet<string>,
): Account | undefined {
  const known = accounts.find(identity.name)
  if (known !== undefined) return known
  const former = accounts.findRenamed(identity, configured)
  return former && accounts.rename(former, identity.name)
}
