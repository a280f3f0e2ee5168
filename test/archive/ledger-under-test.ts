/** A ledger as the contract suites see it, and how they work on one. */
import type { AccountIdentity, AccountLedger } from '../../src/sync/ports/archive.ts'
import type { Stored } from '../../src/sync/ports/intake.ts'
import type { Receipt, ReceiptKey } from '../../src/sync/ports/receipt.ts'
import { intakeOf } from '../support/intake.ts'
import { mail, noCounts, octetsOf, work } from './temp-archive.ts'

/** An archive under test. */
export interface LedgerUnderTest {
  /** Begins a run of the account. */
  open(identity: AccountIdentity): Promise<AccountLedger>
  /** Sets its clock, ms since the epoch. */
  setNow(now: number): void
  /** The owner takes a message out of it, between two runs. */
  removeMessage(message: number): void
  /** Somebody moves it while a run is in it. */
  moveAway(): void
}

export const home: AccountIdentity = { ...work, name: 'home', user: 'other' }

/** One run of an account. */
export async function run<T>(
  archive: LedgerUnderTest,
  act: (ledger: AccountLedger) => Promise<T>,
  identity: AccountIdentity = work,
): Promise<T> {
  const ledger = await archive.open(identity)
  try {
    return await act(ledger)
  } finally {
    await ledger.finish(noCounts, 'done')
  }
}

export interface Arrival {
  readonly key: ReceiptKey
  readonly octets: Uint8Array
  readonly byCanonical?: boolean
  readonly isShort?: boolean
}

/** Takes messages in, in one commit; `isInStep`: their session was shown to be. */
export async function takeIn(
  ledger: AccountLedger,
  arrivals: readonly Arrival[],
  { isInStep } = { isInStep: true },
): Promise<readonly Stored[]> {
  const stored = arrivals.map(({ key, octets, byCanonical = false, isShort = false }) => {
    const intake = intakeOf(ledger, key, byCanonical)
    void intake.sink.write(octets)
    void intake.sink.end({ isShort })
    return intake.stored
  })
  if (isInStep) ledger.inStep()
  await ledger.flush()
  return await Promise.all(stored)
}

/** One message of the session. */
export async function take(
  ledger: AccountLedger,
  key: ReceiptKey,
  octets: Uint8Array,
  options: Pick<Arrival, 'byCanonical' | 'isShort'> = {},
): Promise<Stored & { readonly receipt: number }> {
  const [stored] = await takeIn(ledger, [{ key, octets, ...options }])
  return { ...stored, receipt: stored?.receipt ?? Number.NaN } as Stored & { receipt: number }
}

/** Receipts without what an archive may choose: their order, and whether attempts that were none are told. */
export async function receiptsOf(ledger: AccountLedger): Promise<readonly Receipt[]> {
  const receipts = (await ledger.receipts()).all
  return receipts
    .map((receipt) => ({ ...receipt, attempts: receipt.attempts ?? 0 }))
    .sort((a, b) => a.id - b.id)
}

/** The same message as a server shows it that writes header fields of its own. */
export const rewritten = (subject: string, name: string): Uint8Array =>
  octetsOf(`X-UIDL: ${name}\r\n${Buffer.from(mail(subject)).toString('latin1')}`)

/** Of a receipt that is new. */
export const byDigest = { boundBy: 'digest', state: 'stored', absent: false, attempts: 0 }
