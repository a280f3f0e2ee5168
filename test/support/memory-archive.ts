/**
 * The reference archive: the ports' contract in memory, with nothing durable but what a commit made so.
 *
 * What was committed survives a kill; intakes that were ended but not flushed do not, nor do receipts of which nobody said
 * that they are in step. The engine's tests run against it, and it says in little what the real archives do in much.
 */
import { type AccountPlace, moveOf } from '../../src/archive/accounts.ts'
import type { AccountIdentity, Archive } from '../../src/sync/ports/archive.ts'
import type { ServerFacts } from '../../src/sync/ports/ledger.ts'
import type { Receipt } from '../../src/sync/ports/receipt.ts'
import type { Fuse } from './fake-maildrop.ts'
import { MemoryLedger } from './memory-ledger.ts'

interface KeptMessage {
  readonly id: number
  readonly octets: Buffer
  readonly digest: string
  readonly canonical: string
  readonly fingerprint: string
  readonly header: Uint8Array
  readonly archivedAt: number
  short: 0 | 1 | 2
}

export interface KeptAccount extends AccountPlace {
  facts: ServerFacts
  receipts: Receipt[]
}

export class MemoryArchive implements Archive {
  readonly messages: KeptMessage[] = []
  readonly accounts: KeptAccount[] = []
  readonly outcomes: string[] = []
  /** Burns at the step where the process is killed. */
  fuse: Fuse | undefined
  now = 0
  /** Rows of messages whose octets do not hash right any more. */
  readonly altered = new Set<number>()
  /** False once somebody moved it in mid-run. */
  isInPlace = (): boolean => true
  /** Rows of messages whose owner removed them. */
  readonly removed = new Set<number>()

  async openAccount(identity: AccountIdentity): Promise<MemoryLedger> {
    this.fuse?.step()
    let account = this.accounts.find(({ name }) => name === identity.name)
    const moved = account && moveOf(account, identity)
    const place = { ...identity, port: identity.port ?? 995 }
    if (!account) {
      account = { ...place, facts: {}, receipts: [] }
      this.accounts.push(account)
    }
    return new MemoryLedger(this, account, place, moved)
  }

  isFree(): boolean {
    return true
  }

  /** What the owner does to a Maildir. */
  removeMessage(message: number): void {
    this.removed.add(message)
    for (const account of this.accounts) {
      account.receipts = account.receipts.map((r) =>
        r.message === message && r.state === 'stored' ? { ...r, state: 'removed' } : r,
      )
    }
  }

  /** Its octets came again. False if they were there. */
  restoreMessage(message: number): boolean {
    if (!this.removed.delete(message)) return false
    for (const account of this.accounts) {
      account.receipts = account.receipts.map((r) =>
        r.message === message && r.state === 'removed' ? { ...r, state: 'stored' } : r,
      )
    }
    return true
  }

  /** Texts of all messages, sorted: what the archive holds. */
  contents(): string[] {
    return this.messages.map(({ octets }) => octets.toString('latin1')).sort()
  }
}
