/** An account's receipts for planning only: no lock, no thread, no write transaction. What `--dry-run` opens. */
import { ArchiveError } from '../durable/errors.ts'
import {
  type AccountIdentity,
  factsAt,
  type Move,
  moveOf,
  renamedTo,
  type ServerFacts,
} from './accounts.ts'
import { openCatalog } from './catalog.ts'
import type { ArchiveLocation } from './location.ts'
import type { MessageTraits } from './messages.ts'
import { openForReading } from './open.ts'
import { joinedColumns, ReceiptList } from './receipt-columns.ts'

export interface LedgerForReading {
  readonly account: string
  readonly renamedFrom: string | undefined
  readonly moved: Move | undefined
  readonly facts: ServerFacts
  receipts(): Promise<ReceiptList>
  fingerprints(receipts: readonly number[]): Promise<ReadonlyMap<number, string>>
  traits(messages: readonly number[]): Promise<ReadonlyMap<number, MessageTraits>>
  shortOnce(): Promise<readonly number[]>
  close(): void
}

/**
 * Opens what planning needs of an account. An archive that is not there yet, or does not know the account, has no
 * receipts. Throws ARCHIVE_FOREIGN, ARCHIVE_NEWER, ARCHIVE_DAMAGED or ARCHIVE_IO.
 */
export function openLedgerForReading(
  location: ArchiveLocation,
  identity: AccountIdentity,
  options: { readonly configured: ReadonlySet<string> },
): LedgerForReading {
  const archive = openIfThere(location)
  if (archive === undefined) return emptyLedger(identity.name)
  const { accounts, receipts, receiptPages, messages, shorts } = openCatalog(archive.database)
  const named = accounts.find(identity.name)
  const former = named ? undefined : accounts.findRenamed(identity, options.configured)
  const account = named ?? (former && renamedTo(former, identity.name))
  if (account === undefined) {
    archive.close()
    return emptyLedger(identity.name)
  }
  return {
    account: identity.name,
    renamedFrom: former?.name,
    moved: receipts.count(account) > 0 ? moveOf(account, identity) : undefined,
    facts: factsAt(account, identity),
    receipts: async () => new ReceiptList(receiptPages.read(account)),
    fingerprints: async (ids) => receipts.fingerprints(ids),
    traits: async (ids) => messages.traits(ids),
    shortOnce: async () => shorts.receiptsOf(account),
    close: () => archive.close(),
  }
}

function openIfThere(location: ArchiveLocation) {
  try {
    return openForReading(location)
  } catch (error) {
    if (error instanceof ArchiveError && error.code === 'ARCHIVE_NOT_FOUND') return undefined
    throw error
  }
}

function emptyLedger(account: string): LedgerForReading {
  return {
    account,
    renamedFrom: undefined,
    moved: undefined,
    facts: {},
    receipts: async () => new ReceiptList(joinedColumns([])),
    fingerprints: async () => new Map(),
    traits: async () => new Map(),
    shortOnce: async () => [],
    close: () => undefined,
  }
}
