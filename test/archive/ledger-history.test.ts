/** Any history of one account leaves the same in the reference archive as in those that keep real mail. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { AccountLedger } from '../../src/sync/ports/archive.ts'
import type { BoundBy, Receipt } from '../../src/sync/ports/receipt.ts'
import { archives } from './ledger-archives.ts'
import { type LedgerUnderTest, receiptsOf, rewritten, takeIn } from './ledger-under-test.ts'
import { keyOf, mail, noCounts, work } from './temp-archive.ts'

const RUNS = Number(process.env.POPKEEP_RUNS ?? 12)
const SEED = Number(process.env.POPKEEP_SEED ?? 1)

const MESSAGES = [mail('one'), rewritten('one', '1'), rewritten('one', '2'), mail('two')]

/** One thing that happens; picks are shares of the receipts, or messages, that there are. */
type Step =
  | { readonly type: 'run'; readonly removed: number | undefined }
  | {
      readonly type: 'take'
      readonly rows: readonly {
        readonly name: string | undefined
        readonly octets: number
        readonly text: number
        readonly byCanonical: boolean
        readonly isShort: boolean
      }[]
      readonly isInStep: boolean
    }
  | { readonly type: 'claim' | 'delete' | 'tried' | 'listing'; readonly picks: readonly number[] }
  | {
      readonly type: 'bind'
      readonly pick: number
      readonly name: string
      readonly octets: number
      readonly by: BoundBy
    }
  | { readonly type: 'refuse'; readonly name: string | undefined; readonly octets: number }
  | { readonly type: 'judge'; readonly picks: readonly number[] }

const name = fc.constantFrom('a', 'b', 'c', undefined)
const octets = fc.constantFrom(5, 6)
const pick = fc.double({ min: 0, max: 0.999, noNaN: true })
const picks = fc.array(pick, { maxLength: 3 })
const row = fc.record({
  ...{ name, octets, text: fc.nat(MESSAGES.length - 1) },
  ...{ byCanonical: fc.boolean(), isShort: fc.boolean() },
})

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        ...{ type: fc.constant('take' as const), isInStep: fc.boolean() },
        rows: fc.uniqueArray(row, {
          ...{ minLength: 1, maxLength: 4 },
          selector: (one) => (one.name === undefined ? Symbol() : `${one.name} ${one.octets}`),
        }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('run' as const),
        removed: fc.option(pick, { nil: undefined }),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        type: fc.constantFrom('claim' as const, 'delete' as const, 'tried' as const),
        picks,
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('listing' as const), picks }) },
    fc.record({
      ...{ type: fc.constant('bind' as const), pick, octets },
      name: fc.constantFrom('a', 'b', 'new'),
      by: fc.constantFrom<BoundBy>('digest', 'fingerprint', 'recount'),
    }),
    fc.record({ type: fc.constant('refuse' as const), name, octets }),
    fc.record({ type: fc.constant('judge' as const), picks }),
  ),
  { minLength: 4, maxLength: 14 },
)

const picked = <T>(items: readonly T[], shares: readonly number[]): readonly T[] => [
  ...new Set(shares.flatMap((share) => items[Math.floor(share * items.length)] ?? [])),
]

/** Takes one step; returns what the ledger said to it. */
async function go(ledger: AccountLedger, step: Exclude<Step, { type: 'run' }>): Promise<unknown> {
  const receipts = await receiptsOf(ledger)
  const ids = (shares: readonly number[]) => picked(receipts, shares).map(({ id }) => id)
  switch (step.type) {
    case 'take':
      return await takeIn(
        ledger,
        step.rows.map((one) => ({ ...one, key: keyOf(one.name, one.octets), octets: textOf(one) })),
        step,
      )
    case 'claim':
      return await ledger.claim(ids(step.picks))
    case 'delete':
      return await ledger.deleteSent(stored(receipts, step.picks))
    case 'tried':
      return await ledger.deleteTried(stored(receipts, step.picks))
    case 'listing':
      return await ledger.recordListing(changesOf(receipts, step.picks))
    case 'bind': {
      const [message] = picked(messagesOf(receipts), [step.pick])
      if (message === undefined) return undefined
      const key = keyOf(step.name, step.octets)
      return await ledger.bind([{ key, message, by: step.by }])
    }
    case 'refuse':
      return await ledger.quarantine(keyOf(step.name, step.octets), 'no such message')
    case 'judge': {
      const [final = 0, whole = 0] = picked(messagesOf(receipts), step.picks)
      const superseded = ids(step.picks.slice(2))
      return await ledger.judgeShort({ final: [final], whole: [whole], superseded })
    }
  }
}

const textOf = ({ text }: { readonly text: number }) => MESSAGES[text] ?? mail('one')

const messagesOf = (receipts: readonly Receipt[]) => [
  ...new Set(receipts.flatMap(({ message }) => message ?? [])),
]

const stored = (receipts: readonly Receipt[], shares: readonly number[]) =>
  picked(
    receipts.filter(({ state }) => state === 'stored' || state === 'removed'),
    shares,
  ).map(({ id }) => id)

/** As the plan has them: of a listing that shows these receipts and no others. */
function changesOf(receipts: readonly Receipt[], shares: readonly number[]) {
  const listed = new Set(picked(receipts, shares))
  const idsOf = (isWanted: (receipt: Receipt) => boolean) =>
    receipts.filter(isWanted).map(({ id }) => id)
  return {
    deleted: idsOf((r) => !listed.has(r) && r.state === 'delete sent'),
    undeleted: idsOf((r) => listed.has(r) && ['delete sent', 'deleted'].includes(r.state)),
    absent: idsOf((r) => !listed.has(r) && !r.absent),
    present: idsOf((r) => listed.has(r) && r.absent),
  }
}

/** All that the engine can see of it. */
async function faceOf(ledger: AccountLedger) {
  const receipts = await receiptsOf(ledger)
  const messages = messagesOf(receipts)
  const ids = receipts.map(({ id }) => id)
  return {
    receipts,
    shortOnce: [...(await ledger.shortOnce())].sort((a, b) => a - b),
    traits: new Map([...(await ledger.traits(messages))].sort(([a], [b]) => a - b)),
    fingerprints: new Map([...(await ledger.fingerprints(ids))].sort(([a], [b]) => a - b)),
  }
}

/** What each step of the history showed. */
async function play(archive: LedgerUnderTest, history: readonly Step[]): Promise<unknown[]> {
  const shown: unknown[] = []
  let ledger = await archive.open(work)
  try {
    for (const [index, step] of history.entries()) {
      archive.setNow(1000 * (index + 1))
      if (step.type === 'run') {
        const messages = messagesOf(await receiptsOf(ledger))
        await ledger.finish(noCounts, 'done')
        const [removed] = step.removed === undefined ? [] : picked(messages, [step.removed])
        if (removed !== undefined) archive.removeMessage(removed)
        ledger = await archive.open(work)
        shown.push([step, await faceOf(ledger)])
      } else {
        const said = await go(ledger, step)
        shown.push([step, said, await faceOf(ledger)])
      }
    }
  } finally {
    await ledger.finish(noCounts, 'done')
  }
  return shown
}

it('is the same in all archives', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (history) => {
      const [reference, ...others] = archives.map(({ name: kind, start }) => ({ kind, start }))
      const expected = await play(reference?.start() as LedgerUnderTest, history)
      for (const { kind, start } of others) {
        expect({ kind, shown: await play(start(), history) }).toEqual({ kind, shown: expected })
      }
    }),
    // A counterexample is worth more than its smallest form.
    { numRuns: RUNS, seed: SEED, interruptAfterTimeLimit: 90_000 },
  )
})
