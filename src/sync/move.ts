/**
 * What the receipts of an account still prove that stands elsewhere than the catalog knows. Sends TOP, changes nothing.
 *
 * | it stands at                  | and of the rows that have receipts    | the receipts prove                          |
 * | ----------------------------- | ------------------------------------- | ------------------------------------------- |
 * | another host, or another user | none has the header of its message    | nothing: this is another maildrop           |
 * |                               | some have it; each is asked for       | what those rows are; the others are new     |
 * | another port                  | none of five has another header       | what all rows are                           |
 * |                               | some have another; each is asked for  | what those rows are that have theirs        |
 * | either                        | nothing is listed at all              | nothing yet: the next listing decides       |
 *
 * A port may be a tunnel's, and another one each night: it must neither cost a header for each message nor, where the
 * messages are new ones, what is known of the former. A server without TOP shows no header, so it contradicts nothing.
 */
import type { Comparison } from './compare-listing.ts'
import { Matches } from './matches.ts'
import type { MatchedRow } from './plan.ts'
import type { AccountIdentity } from './ports/archive.ts'
import type { LedgerView, Move } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipts } from './ports/receipt.ts'
import { overlapOf, sampleReturns } from './rebind.ts'
import { agreeingRows, isReturned, otherRows } from './recognise.ts'

export interface MoveVerdict {
  /** Undefined: nothing is decided yet. */
  readonly isSame: boolean | undefined
  /** Rows whose messages are others than their receipts say. */
  readonly replaced: readonly MatchedRow[]
}

/** For a ledger that has `moved`; `recounted` are those of `resized` that have the headers of their messages. */
export async function judgeMove(
  session: MaildropSession,
  ledger: LedgerView,
  {
    comparison,
    recounted,
    receipts,
  }: {
    readonly comparison: Comparison
    readonly recounted: readonly MatchedRow[]
    readonly receipts: Receipts
  },
): Promise<MoveVerdict> {
  const { known, fresh, resized, unnamed } = comparison
  if (known.length + fresh.length + resized.length + unnamed.length === 0) {
    return { isSame: undefined, replaced: [] }
  }
  if (ledger.moved === 'port') {
    // What had left the listing is asked for all the same.
    const present = known.all.filter(({ receipt }) => !isReturned(receipt))
    return { isSame: true, replaced: await otherRows(session, ledger, present) }
  }
  const agreeing = new Set(await agreeingRows(session, ledger, known.all))
  const isSame =
    agreeing.size + recounted.length > 0 ||
    (known.length === 0 &&
      (await sampleReturns(
        session,
        ledger,
        fresh,
        overlapOf(receipts, Matches.of([]), { isLong: false }),
      )))
  return { isSame, replaced: known.all.filter((matched) => !agreeing.has(matched)) }
}

/** What a person should hear of it; undefined where nothing came of it. */
export function moveText(
  { isSame, replaced }: MoveVerdict,
  moved: Move | undefined,
  { host, port }: AccountIdentity,
): string | undefined {
  if (isSame === undefined) return undefined
  const messages = replaced.length === 1 ? 'a message' : `${replaced.length} messages`
  const others = `${messages} with the unique-ids of others: retrieved anew`
  if (moved === 'port')
    return replaced.length === 0 ? undefined : `port ${port} of ${host} has ${others}`
  if (!isSame) return `another maildrop stands at ${host}: all of it is compared with the archive`
  const same = `${host} holds the maildrop that was kept before under this name`
  return replaced.length === 0 ? same : `${same}, and ${others}`
}

/** The comparison with the replaced rows as new ones. */
export function withoutReplaced(
  { known, fresh, resized, unnamed }: Comparison,
  { replaced }: MoveVerdict,
): Comparison {
  const others = new Set(replaced)
  return {
    known: Matches.of(known.all.filter((matched) => !others.has(matched))),
    fresh: fresh.and(replaced.map(({ row, key }) => ({ row, key }))),
    ...{ resized, unnamed },
  }
}
