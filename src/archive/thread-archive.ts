/**
 * An archive open for sync, seen from the main thread. Its writer runs in a thread of its own, since a COMMIT on the main
 * thread would stop the socket of every account; the thread is started for the first account and ended with the last.
 */
import { accountLockPath, archiveLockPath, isHeldAlone } from '../durable/lock.ts'
import type { AccountIdentity, Move, ServerFacts } from './accounts.ts'
import type { ArchiveLocation } from './location.ts'
import type { MessageTraits } from './messages.ts'
import { type ReceiptColumns, ReceiptList } from './receipt-columns.ts'
import type { BoundBy, ListingChanges, ReceiptKey } from './receipts.ts'
import type { RunCounts } from './runs.ts'
import type { ShortJudgement } from './short-messages.ts'
import { startWriterThread } from './thread-start.ts'
import type { OpenedAccount } from './writer.ts'
import {
  type OctetSink,
  type SinkOutcome,
  WriterClient,
  type WriterConnection,
} from './writer-client.ts'

/** Fifty idle threads cost some 300 MB: archives beyond these wait until one is left. */
const MOST_WRITERS = 4

/** Messages that are read back in one request, so that other accounts are served in between. */
const PROOF_MESSAGES = 64

/** Messages that are looked up in one request. */
const TRAITS_MESSAGES = 5000

/** How many writers run in this process, and who waits for one. */
class WriterSlots {
  #free = MOST_WRITERS
  readonly #waiting: (() => void)[] = []

  /** Rejects with the signal's reason once that is aborted. */
  async take(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (this.#free > 0) {
      this.#free -= 1
      return
    }
    await new Promise<void>((resolve, reject) => {
      const taken = (): void => {
        signal?.removeEventListener('abort', givenUp)
        resolve()
      }
      const givenUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(taken), 1)
        reject(signal?.reason)
      }
      this.#waiting.push(taken)
      signal?.addEventListener('abort', givenUp, { once: true })
    })
  }

  free(): void {
    const next = this.#waiting.shift()
    if (next) next()
    else this.#free += 1
  }
}

const slots = new WriterSlots()

export class ThreadArchive {
  readonly #location: ArchiveLocation
  readonly #start: () => WriterConnection
  #accounts = 0
  #client: Promise<WriterClient> | undefined
  /** Resolves when the writer before is gone. */
  #left: Promise<void> = Promise.resolve()

  constructor(location: ArchiveLocation, start: () => WriterConnection = startWriterThread) {
    this.#location = location
    this.#start = start
  }

  /**
   * Opens the archive with its first account, creating it where nothing is, and takes the account's lock. Throws what
   * `openForWriting` throws, LockedError if another run holds the account, and the signal's reason while it waits for a writer.
   */
  async openAccount(
    identity: AccountIdentity,
    options: {
      readonly configured: ReadonlySet<string>
      readonly signal?: AbortSignal | undefined
    },
  ): Promise<ThreadLedger> {
    this.#accounts += 1
    try {
      this.#client ??= this.#open(options.signal)
      const client = await this.#client
      const { name, host, port, user } = identity
      const configured = new Set(options.configured)
      const opened = await client.request(
        'openAccount',
        name,
        { name, host, port, user },
        configured,
      )
      return new ThreadLedger(client, opened as OpenedAccount, () => this.#leave())
    } catch (error) {
      // What went wrong while opening is the thing to hear, not what followed from it.
      await this.#leave().catch(() => undefined)
      throw error
    }
  }

  /** Asked on the main thread: starting a writer for each look would cost a hundred times as much. */
  isFree({ name }: AccountIdentity): boolean {
    const { path } = this.#location
    return !isHeldAlone(archiveLockPath(path)) && !isHeldAlone(accountLockPath(path, name))
  }

  async #open(signal?: AbortSignal): Promise<WriterClient> {
    await this.#left
    await slots.take(signal)
    let client: WriterClient | undefined
    try {
      client = new WriterClient(this.#start())
      await client.request('open', '', this.#location)
      return client
    } catch (error) {
      await client?.close()
      slots.free()
      throw error
    }
  }

  async #leave(): Promise<void> {
    this.#accounts -= 1
    const open = this.#client
    if (this.#accounts > 0 || open === undefined) return
    this.#client = undefined
    const closing = closeWriter(open)
    this.#left = closing.catch(() => undefined)
    await closing
  }
}

async function closeWriter(open: Promise<WriterClient>): Promise<void> {
  let client: WriterClient
  try {
    client = await open
  } catch {
    // It never came to be; whoever opened it heard why.
    return
  }
  try {
    await client.request('close', '')
  } finally {
    await client.close()
    slots.free()
  }
}

/**
 * Implements `AccountLedger` of the sync ports. Each method rejects with ArchiveError: ARCHIVE_DAMAGED where the catalog cannot be
 * read, ARCHIVE_IO where the writer has ended; those that write, and the outcome of each intake, with the archive's first failed
 * write from then on (ARCHIVE_FULL, ARCHIVE_DENIED, ARCHIVE_IO, ARCHIVE_DAMAGED, ARCHIVE_LOCKED).
 */
export class ThreadLedger {
  readonly account: string
  readonly renamedFrom: string | undefined
  readonly vanished: number
  readonly isDamaged: boolean
  readonly unfit: number
  #moved: Move | undefined
  #facts: ServerFacts
  readonly #client: WriterClient
  readonly #leave: () => Promise<void>

  constructor(client: WriterClient, opened: OpenedAccount, leave: () => Promise<void>) {
    this.account = opened.account
    this.renamedFrom = opened.renamedFrom
    this.vanished = opened.vanished
    this.isDamaged = opened.isDamaged
    this.unfit = opened.unfit
    this.#moved = opened.moved
    this.#facts = opened.facts
    this.#client = client
    this.#leave = leave
  }

  get moved(): Move | undefined {
    return this.#moved
  }

  /** As at the opening, and what was learned since; less once a move is resolved. */
  get facts(): ServerFacts {
    return this.#facts
  }

  async receipts(): Promise<ReceiptList> {
    return new ReceiptList((await this.#ask('receipts')) as ReceiptColumns)
  }

  async fingerprints(receipts: readonly number[]): Promise<ReadonlyMap<number, string>> {
    return (await this.#ask('fingerprints', receipts)) as ReadonlyMap<number, string>
  }

  async traits(messages: readonly number[]): Promise<ReadonlyMap<number, MessageTraits>> {
    return await this.#inParts('traits', messages, TRAITS_MESSAGES)
  }

  async shortOnce(): Promise<readonly number[]> {
    return (await this.#ask('shortOnce')) as readonly number[]
  }

  async judgeShort(judgement: ShortJudgement): Promise<void> {
    await this.#ask('judgeShort', judgement)
  }

  async resolveMove(isSameMaildrop: boolean): Promise<void> {
    this.#facts = (await this.#ask('resolveMove', isSameMaildrop)) as ServerFacts
    this.#moved = undefined
  }

  async claim(receipts: readonly number[]): Promise<void> {
    await this.#ask('claim', receipts)
  }

  intake(
    key: ReceiptKey,
    options: { readonly byCanonical: boolean },
    outcome: SinkOutcome,
  ): OctetSink {
    return this.#client.intake(this.account, key, options, outcome)
  }

  inStep(): void {
    this.#client.inStep(this.account)
  }

  inDoubt(): void {
    this.#client.inDoubt(this.account)
  }

  async flush(): Promise<void> {
    await this.#ask('flush')
  }

  async bind(
    bindings: readonly {
      readonly key: ReceiptKey
      readonly message: number
      readonly by: BoundBy
    }[],
  ): Promise<void> {
    await this.#ask('bind', bindings)
  }

  async quarantine(key: ReceiptKey, reason: string): Promise<void> {
    await this.#ask('quarantine', key, reason)
  }

  async recordListing(changes: ListingChanges): Promise<void> {
    await this.#ask('recordListing', changes)
  }

  /**
   * Nothing is proven once a write has failed. ARCHIVE_IO where the archive is not in its place any more, ARCHIVE_DENIED where
   * its file has a second name; so does `deleteSent`.
   */
  async prove(messages: readonly number[]): Promise<ReadonlyMap<number, string>> {
    const proven = await this.#inParts<string>('prove', messages, PROOF_MESSAGES)
    return (await this.#ask('hasFailed')) ? new Map() : proven
  }

  /** ARCHIVE_IO where it is not in its place any more. */
  async requireInPlace(): Promise<void> {
    await this.#ask('requireInPlace')
  }

  async deleteSent(receipts: readonly number[]): Promise<void> {
    await this.#ask('deleteSent', receipts)
  }

  async deleteTried(receipts: readonly number[]): Promise<void> {
    await this.#ask('deleteTried', receipts)
  }

  async learn(facts: Partial<ServerFacts>): Promise<void> {
    await this.#ask('learn', facts)
    this.#facts = { ...this.#facts, ...facts }
  }

  /** To be called once, also after a failure: it frees the account's lock, and ends the writer with its last account. */
  async finish(counts: RunCounts, outcome: string): Promise<void> {
    try {
      await this.#ask('finish', counts, outcome)
    } finally {
      await this.#leave()
    }
  }

  /** Asks for some messages at a time, so that other accounts are served in between. */
  async #inParts<T>(method: string, messages: readonly number[], most: number) {
    const found = new Map<number, T>()
    for (let start = 0; start < messages.length; start += most) {
      const part = await this.#ask(method, messages.slice(start, start + most))
      for (const [message, value] of part as ReadonlyMap<number, T>) found.set(message, value)
    }
    return found
  }

  #ask(method: string, ...parameters: readonly unknown[]): Promise<unknown> {
    return this.#client.request(method, this.account, ...parameters)
  }
}
