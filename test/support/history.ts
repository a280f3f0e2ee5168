/**
 * Random histories of a server and of its client, and what must hold at each moment of them (invariants of docs/design.md):
 * arrivals, removals, renumbering, parts, faults, broken sessions, kills; keep, delete, delete after some days.
 */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { syncAccount } from '../../src/sync/engine.ts'
import { KEEP_ALL, type Policy } from '../../src/sync/policy.ts'
import type { Archive } from '../../src/sync/ports/archive.ts'
import { type FakeMessage, Fuse } from './fake-maildrop.ts'
import { type Faults, FaultyMaildrop, type Mixed } from './faulty-maildrop.ts'
import { FakeTime } from './moody-maildrop.ts'

const DAY_MS = 24 * 3600 * 1000

/** How a server names its messages, and what it can do. */
export interface Habits {
  readonly hasTop: boolean
  /**
   * `own`: each message has a unique-id that no other ever had. `reused`: those of deleted messages come again. `suffixed`:
   * copies share one, told apart by suffixes that are counted anew in each session. `none`: no unique-ids.
   */
  readonly names: 'own' | 'reused' | 'suffixed' | 'none'
  /** Two texts each have size and header section in common. */
  readonly hasTwins: boolean
  /** Two texts each differ in a field that servers write, and in nothing else. */
  readonly hasServerFields?: boolean
}

/** One run of the client, and what happened on the server since the one before. */
export interface Step {
  /** `name` counts where unique-ids are reused. */
  readonly arrive: readonly { text: number; name: number; atStart: boolean }[]
  /** Positions that another client deletes. */
  readonly expunge: readonly number[]
  /** All unique-ids are new from here on; then the order may be another, too. */
  readonly renumber: boolean
  readonly reverse: boolean
  /** What the server shows in this run. */
  readonly shown: 'all' | 'nothing' | 'half'
  /** Of the first sessions of this run. */
  readonly faults: readonly Faults[]
  readonly policy: 'keep' | 'delete' | 'delete after'
  /** Further sessions and retries within the run. */
  readonly isPatient: boolean
  /** Steps after which the process is killed. */
  readonly killAt: number
}

const CALM: Step = {
  ...{ arrive: [], expunge: [], renumber: false, reverse: false, shown: 'all', faults: [] },
  ...{ policy: 'keep', isPatient: false, killAt: Number.POSITIVE_INFINITY },
}

const POLICIES: Record<Step['policy'], Policy> = {
  keep: KEEP_ALL,
  delete: { ...KEEP_ALL, delete: { afterMs: 0 } },
  'delete after': { ...KEEP_ALL, delete: { afterMs: 2 * DAY_MS } },
}

const turn = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 9 }))

const mixed: fc.Arbitrary<Mixed> = fc.record({
  reply: fc.constantFrom('lost', 'doubled', 'swapped'),
  at: turn,
})

const faults: fc.Arbitrary<Faults> = fc.record({
  ...{ refused: turn, broken: turn, mixed, mixedTop: mixed },
  quit: fc.constantFrom('done', 'done', 'refused', 'lost-after', 'lost-before'),
})

const TEXTS = 30

const step: fc.Arbitrary<Step> = fc.record({
  arrive: fc.array(fc.record({ text: fc.nat(TEXTS), name: fc.nat(6), atStart: fc.boolean() }), {
    ...{ maxLength: 16, size: 'max' },
  }),
  expunge: fc.array(fc.nat(20), { maxLength: 2 }),
  renumber: fc.constantFrom(false, false, true),
  reverse: fc.boolean(),
  shown: fc.constantFrom('all', 'all', 'all', 'nothing', 'half'),
  faults: fc.oneof(fc.constant([]), fc.array(faults, { maxLength: 2 })),
  policy: fc.constantFrom('keep', 'keep', 'keep', 'delete', 'delete after'),
  isPatient: fc.boolean(),
  killAt: fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constant(Number.POSITIVE_INFINITY)),
})

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 7 })

/** POPKEEP_SEED plays the histories of a seed that was printed. */
export function runs(numRuns: number): fc.Parameters<unknown> {
  const seed = process.env.POPKEEP_SEED
  return seed === undefined ? { numRuns } : { numRuns, seed: Number(seed) }
}

export interface BoundName {
  readonly uniqueId: string | undefined
  readonly state: string
  /** Of the message; undefined if quarantined. */
  readonly digest: string | undefined
}

/** An archive under test. All that it says is what a process that begins now finds on its disk. */
export interface Store {
  /** For one run; nothing becomes durable once the fuse has burnt. */
  open(fuse: Fuse, now: number): Archive
  /** SHA-256, hex, of all messages. */
  contents(): readonly string[]
  receipts(): readonly BoundName[]
}

const sizes = [0, 0, 0, 1, 2]

const CALM_HABITS: Habits = { hasTop: true, names: 'own', hasTwins: false }

const serverField = (n: number) => Buffer.from(`X-UID: ${String(n).padStart(2, '0')}\r\n`, 'latin1')

/** Few sizes on purpose: listed octets alone must not save us. */
function textOf(text: number, { hasTwins, hasServerFields = false }: Habits): Buffer {
  if (hasServerFields) {
    return Buffer.concat([serverField(text), textOf(text >> 1, CALM_HABITS)])
  }
  const face = hasTwins ? text >> 1 : text
  const [subject, name] = [face, text].map((n) => String(n).padStart(2, '0'))
  const body = `body ${name}${'.'.repeat(sizes[face % sizes.length] ?? 0)}`
  return Buffer.from(`Subject: s${subject}\r\n\r\n${body}\r\n`, 'latin1')
}

export const digestOf = (octets: Uint8Array): string =>
  createHash('sha256').update(octets).digest('hex')

/** Plays a history, and writes down each thing that should not have happened. */
export class History {
  readonly wrong: string[] = []
  readonly #habits: Habits
  readonly #store: Store
  readonly #drop = new FaultyMaildrop()
  readonly #time = new FakeTime()
  readonly #arrived = new Set<string>()
  #messages: FakeMessage[] = []
  #generation = 0
  #named = 0

  constructor(habits: Habits, store: Store) {
    this.#habits = habits
    this.#store = store
    this.#drop.hasTop = habits.hasTop
    this.#drop.hasSuffixes = habits.names === 'suffixed'
    this.#drop.onRemoved = (gone) => {
      this.#messages = this.#messages.filter((message) => !gone.has(message))
    }
  }

  async play(one: Step): Promise<void> {
    this.#time.now += DAY_MS
    // In this order: a unique-id may come again before any listing has shown that its message left.
    for (const at of one.expunge) this.#messages.splice(at, 1)
    this.#arrive(one)
    if (one.renumber) this.#renumber(one)
    const calm = one.faults.length === 0 && one.killAt === Number.POSITIVE_INFINITY
    const error = await this.#run(one, POLICIES[one.policy])
    if (calm && error !== undefined) this.wrong.push(`a run without a fault: ${String(error)}`)
    this.#check()
  }

  /** Runs without faults: the next is complete, the one behind it has nothing to do, and all may be deleted. */
  async end(): Promise<void> {
    const { names, hasTwins, hasServerFields } = this.#habits
    await this.#healthy({ ...KEEP_ALL, retryQuarantined: true })
    if (hasServerFields) {
      // One run may find that two rows are two messages, the next retrieves the other.
      await this.#healthy(KEEP_ALL)
      this.#checkRecognised()
    }
    // Whoever reuses unique-ids, or renumbers twins, hides mail; it is there when that is to be deleted.
    if (names !== 'reused' && !hasTwins && !hasServerFields) {
      this.#checkComplete()
      const asked = await this.#healthy(KEEP_ALL)
      if (names !== 'none' && asked > 0) this.wrong.push(`${asked} retrieved though all was known`)
    }
    // A server that kept messages after three answered QUITs is not asked a fourth time unless its owner says so.
    await this.#healthy({ ...POLICIES.delete, deleteAgain: true })
    if (this.#messages.length > 0) this.wrong.push(`${this.#messages.length} were not deleted`)
  }

  /** Returns how many messages it asked for. */
  async #healthy(policy: Policy): Promise<number> {
    let asked = 0
    this.#time.now += DAY_MS
    const error = await this.#run(CALM, policy, () => {
      asked += 1
    })
    if (error !== undefined) this.wrong.push(`a healthy run: ${String(error)}`)
    this.#check()
    return asked
  }

  #arrive({ arrive }: Step): void {
    for (const { text, name, atStart } of arrive) {
      const octets = textOf(text, this.#habits)
      const uniqueId = this.#nameOf(octets, name)
      // RFC 1939 section 7 lets equal unique-ids stand for equal messages only.
      const twin = this.#messages.find((message) => message.uniqueId === uniqueId)
      if (twin && this.#habits.names === 'reused' && !twin.octets.every((o, i) => o === octets[i]))
        continue
      this.#arrived.add(digestOf(octets))
      if (atStart) this.#messages.unshift({ uniqueId, octets })
      else this.#messages.push({ uniqueId, octets })
    }
  }

  #renumber({ reverse }: Step): void {
    this.#generation += 1
    this.#messages = this.#messages.map(({ octets }, at) => ({
      ...{ uniqueId: this.#nameOf(octets, at), octets },
    }))
    if (reverse) this.#messages.reverse()
  }

  #nameOf(octets: Uint8Array, name: number): string | undefined {
    const { names } = this.#habits
    this.#named += 1
    if (names === 'none') return undefined
    const own = { own: this.#named, reused: name, suffixed: digestOf(octets).slice(0, 8) }[names]
    return `g${this.#generation}.${own}`
  }

  #shown({ shown }: Step): FakeMessage[] {
    const count = { all: this.#messages.length, nothing: 0, half: this.#messages.length >> 1 }[
      shown
    ]
    return this.#messages.slice(0, count)
  }

  async #run(one: Step, policy: Policy, onRetrieve = () => {}): Promise<unknown> {
    const fuse = new Fuse(one.killAt)
    const drop = this.#drop
    drop.fuse = fuse
    drop.faults = one.faults
    drop.messages = this.#shown(one)
    // A header in its neighbour's place tells of another message: that costs a RETR.
    const isSwapped = one.faults.some(
      ({ mixedTop: { reply, at } }) => reply === 'swapped' && at > 0,
    )
    const known = policy.delete === 'never' && !isSwapped ? this.#known() : new Set()
    drop.onRetrieve = ({ uniqueId }) => {
      onRetrieve()
      if (known.has(uniqueId)) this.wrong.push(`RETR of ${uniqueId}, which has its receipt`)
    }
    drop.onDelete = ({ octets, uniqueId }) => {
      const isThere = this.#store.contents().includes(digestOf(octets))
      if (!isThere) this.wrong.push(`DELE of ${uniqueId}, which the archive does not have`)
    }
    const time = this.#time
    const { error } = await syncAccount(
      {
        identity: { name: 'work', host: 'pop.example.org', user: 'me' },
        ...{ maildrop: drop, policy, now: () => time.now, progress: () => {} },
        signal: new AbortController().signal,
        patience: one.isPatient ? time.patience() : undefined,
      },
      this.#store.open(fuse, time.now),
      new Set(['work']),
    )
    return error
  }

  /**
   * Unique-ids of messages that are there to stay, of a server whose unique-ids can be believed. What was deleted and is
   * listed again may be another message.
   */
  #known(): ReadonlySet<string | undefined> {
    const { names, hasTwins, hasServerFields } = this.#habits
    if (names !== 'own' || hasTwins || hasServerFields) return new Set()
    const bound = this.#store.receipts().filter(({ state }) => state === 'stored')
    return new Set(bound.map(({ uniqueId }) => uniqueId))
  }

  /** At any moment: nothing partial, nothing twice, nothing under another's name. */
  #check(): void {
    const contents = this.#store.contents()
    if (new Set(contents).size !== contents.length) this.wrong.push('a message is there twice')
    if (!contents.every((digest) => this.#arrived.has(digest)))
      this.wrong.push('octets that nobody sent')
    const { names, hasTwins, hasServerFields } = this.#habits
    if ((names !== 'own' && names !== 'suffixed') || hasTwins || hasServerFields) return
    const digests = new Map(this.#messages.map((m) => [m.uniqueId, digestOf(m.octets)]))
    for (const { uniqueId, digest } of this.#store.receipts()) {
      const listed = digests.get(uniqueId?.replace(/-\d+$/, ''))
      if (digest !== undefined && listed !== undefined && digest !== listed) {
        this.wrong.push(`${uniqueId} names another message`)
      }
    }
  }

  /** What is listed and not there as it is came in the place of a message that is listed no more. */
  #checkRecognised(): void {
    const faceOf = new Map<string, number>()
    for (let text = 0; text <= TEXTS; text += 1) {
      faceOf.set(digestOf(textOf(text, this.#habits)), text >> 1)
    }
    const contents = new Set(this.#store.contents())
    const listed = new Set(this.#messages.map(({ octets }) => digestOf(octets)))
    const spare = new Map<number | undefined, number>()
    for (const digest of contents) {
      const face = faceOf.get(digest)
      if (!listed.has(digest)) spare.set(face, (spare.get(face) ?? 0) + 1)
    }
    for (const digest of listed) {
      const face = faceOf.get(digest)
      if (contents.has(digest)) continue
      const left = spare.get(face) ?? 0
      if (left === 0) this.wrong.push(`one of the two messages s${face} is taken for the other`)
      spare.set(face, left - 1)
    }
  }

  #checkComplete(): void {
    const contents = this.#store.contents()
    for (const { uniqueId, octets } of this.#messages) {
      if (!contents.includes(digestOf(octets))) this.wrong.push(`${uniqueId} is not in the archive`)
    }
  }
}
