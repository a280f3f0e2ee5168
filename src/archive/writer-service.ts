/** The writer's side of the channel: takes requests and batches, one after the other, in the order they were sent. */
import { asArchiveError } from '../durable/errors.ts'
import { Syncs } from '../durable/syncs.ts'
import type { AccountIdentity } from './accounts.ts'
import {
  type BeginStep,
  type FromWriter,
  type IntakeStep,
  packError,
  packStored,
  type StoredIntake,
  type ToWriter,
  unpackSummary,
  type WriterPort,
} from './channel.ts'
import type { IntakeOutcome } from './group-commit.ts'
import type { ArchiveLocation } from './location.ts'
import { openForWriting, systemSources } from './open.ts'
import { buffersOf, type ReceiptColumns } from './receipt-columns.ts'
import { ArchiveWriter, type WriterClock } from './writer.ts'
import type { WriterIntake, WriterLedger } from './writer-ledger.ts'

/** Methods of a ledger that are asked for by name: what the other side sends is checked against this list. */
const LEDGER_METHODS = [
  'receipts',
  'fingerprints',
  'traits',
  'resolveMove',
  'claim',
  'flush',
  'bind',
  'shortOnce',
  'judgeShort',
  'quarantine',
  'recordListing',
  'prove',
  'hasFailed',
  'requireInPlace',
  'deleteSent',
  'deleteTried',
  'learn',
] as const satisfies readonly (keyof WriterLedger)[]

export class WriterService {
  readonly #port: WriterPort<FromWriter, ToWriter>
  readonly #clock: WriterClock
  readonly #ledgers = new Map<string, WriterLedger>()
  readonly #intakes = new Map<number, WriterIntake>()
  readonly #syncs = new Syncs()
  readonly #stored: StoredIntake[] = []
  #writer: ArchiveWriter | undefined
  #path = ''
  #turn = Promise.resolve()

  constructor(port: WriterPort<FromWriter, ToWriter>, clock: WriterClock) {
    this.#port = port
    this.#clock = clock
    port.receive((message) => {
      this.#turn = this.#turn.then(() =>
        message.type === 'batch' ? this.#take(message) : this.#answer(message),
      )
    })
  }

  async #answer(request: Extract<ToWriter, { type: 'request' }>): Promise<void> {
    const { id, method, account, parameters } = request
    // What ended before is ready to be committed: a ledger commits at once.
    await this.#syncs.settled()
    try {
      const value = this.#call(method, account, parameters)
      const transfer = method === 'receipts' ? buffersOf(value as ReceiptColumns) : []
      this.#send({ type: 'reply', id, value }, transfer)
    } catch (error) {
      this.#send({ type: 'failure', id, error: packError(this.#named(error)) })
    }
  }

  /** An error of SQLite's is one of the archive's, wherever it came up: most often a damaged catalog. */
  #named(error: unknown): unknown {
    return asArchiveError(error, this.#path, 'write')
  }

  #call(method: string, account: string, parameters: readonly unknown[]): unknown {
    switch (method) {
      case 'open':
        return this.#openArchive(parameters[0] as ArchiveLocation)
      case 'close':
        this.#open().close()
        return undefined
      case 'openAccount':
        return this.#openAccount(
          ...(parameters as readonly unknown[] as [AccountIdentity, ReadonlySet<string>]),
        )
      case 'finish':
        return this.#finish(account, parameters as Parameters<WriterLedger['finish']>)
    }
    const known = LEDGER_METHODS.find((name) => name === method)
    if (known === undefined) throw new Error(`the writer has no method ${method}`)
    const ledger = this.#ledger(account)
    return Reflect.apply(ledger[known], ledger, parameters)
  }

  #openArchive(location: ArchiveLocation): void {
    this.#path = location.path
    this.#writer = new ArchiveWriter(
      openForWriting(location, systemSources, this.#syncs),
      this.#clock,
    )
  }

  #openAccount(identity: AccountIdentity, configured: ReadonlySet<string>) {
    const { ledger, opened } = this.#open().openAccount(identity, configured)
    this.#ledgers.set(identity.name, ledger)
    return opened
  }

  #finish(account: string, parameters: Parameters<WriterLedger['finish']>): void {
    try {
      this.#ledger(account).finish(...parameters)
    } finally {
      this.#ledgers.delete(account)
      this.#open().release(account)
    }
  }

  #open(): ArchiveWriter {
    if (this.#writer === undefined) throw new Error('the archive is not open')
    return this.#writer
  }

  #ledger(account: string): WriterLedger {
    const ledger = this.#ledgers.get(account)
    if (ledger === undefined) throw new Error(`account ${account} is not open`)
    return ledger
  }

  async #take({ buffer, octets, steps }: Extract<ToWriter, { type: 'batch' }>): Promise<void> {
    const batch = new Uint8Array(buffer)
    for (const step of steps) {
      this.#step(step, batch)
      const room = this.#syncs.room()
      if (room === undefined) continue
      this.#writer?.endReading()
      await room
    }
    this.#writer?.endReading()
    this.#send({ type: 'taken', buffer, octets }, [buffer])
  }

  #step(step: IntakeStep, batch: Uint8Array): void {
    switch (step[0]) {
      case 'begin':
        this.#begin(step)
        return
      // One that has failed is gone already; what of it was on its way is let pass.
      case 'octets':
        this.#intakes.get(step[1])?.write(batch.subarray(step[2], step[3]))
        return
      case 'end':
        this.#intakes.get(step[1])?.end(unpackSummary(step, batch), { isShort: step[2] })
        return
      case 'abandon':
        this.#intakes.get(step[1])?.abandon()
        return
      case 'inStep':
        this.#ledgers.get(step[1])?.inStep()
        return
      case 'inDoubt':
        this.#ledgers.get(step[1])?.inDoubt()
    }
  }

  /** Those that a commit ended are told of together, before anything else is said. */
  #tell(stored: StoredIntake): void {
    if (this.#stored.length === 0) queueMicrotask(() => this.#tellAll())
    this.#stored.push(stored)
  }

  #tellAll(): void {
    const stored = this.#stored.splice(0)
    if (stored.length > 0) this.#port.send({ type: 'stored', stored })
  }

  #send(message: FromWriter, transfer?: readonly ArrayBuffer[]): void {
    this.#tellAll()
    this.#port.send(message, transfer)
  }

  #begin(step: BeginStep): void {
    const { 1: id, 2: account, 3: uniqueId, 4: occurrence, 5: octets, 6: byCanonical } = step
    const outcome: IntakeOutcome = {
      stored: (result) => {
        this.#intakes.delete(id)
        this.#tell(packStored(id, result))
      },
      failed: (error) => {
        this.#intakes.delete(id)
        this.#send({ type: 'unstored', intake: id, error: packError(error) })
      },
    }
    try {
      const key = { uniqueId, occurrence, octets }
      const intake = this.#ledger(account).intake(key, { byCanonical }, outcome)
      // It may have failed within the call.
      if (!intake.isOver) this.#intakes.set(id, intake)
    } catch (error) {
      outcome.failed(error)
    }
  }
}
