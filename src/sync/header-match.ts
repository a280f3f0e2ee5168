/** Finds, for new rows, the one message of the archive with the same header section; asks by TOP as little as it can. */
import type { PlannedRow } from './plan.ts'
import type { LedgerView } from './ports/ledger.ts'
import type { MaildropSession } from './ports/maildrop.ts'
import type { Receipt } from './ports/receipt.ts'
import { fingerprintRows, spread } from './recognise.ts'

/** Only rows and receipts of one class may be the same message: their listed octets agree, at the least. */
export interface Classes {
  readonly rows: readonly { readonly planned: PlannedRow; readonly of: string }[]
  readonly receipts: ReadonlyMap<string, readonly Receipt[]>
}

/** A row and a receipt of the message that has its header section, and its class. */
export interface HeaderMatch {
  readonly planned: PlannedRow
  readonly receipt: Receipt
}

/**
 * TOP n 0 for each row that has a class with receipts; but if the first five, spread over all, match nothing, no more
 * are asked for. Where a class holds several messages with one header section, none of them matches. Of several receipts
 * of one message, the first stands for it. Empty where the server has no TOP.
 */
export async function matchHeaders(
  session: MaildropSession,
  ledger: LedgerView,
  classes: Classes,
): Promise<readonly HeaderMatch[]> {
  const rows = classes.rows.filter(({ of }) => classes.receipts.has(of))
  const sample = spread(rows)
  const found = await matchAll(session, ledger, { ...classes, rows: sample })
  if (found.length === 0 || sample.length === rows.length) return found
  const asked = new Set(sample)
  const rest = rows.filter((row) => !asked.has(row))
  return [...found, ...(await matchAll(session, ledger, { ...classes, rows: rest }))]
}

async function matchAll(
  session: MaildropSession,
  ledger: LedgerView,
  { rows, receipts }: Classes,
): Promise<readonly HeaderMatch[]> {
  const listed = await fingerprintRows(
    session,
    rows.map(({ planned }) => planned.row),
  )
  if (listed === undefined || listed.size === 0) return []
  const faces = await facesOf(ledger, new Set(rows.map(({ of }) => of)), receipts)
  return rows.flatMap(({ planned, of }) => {
    const fingerprint = listed.get(planned.row.messageNumber)
    const receipt = faces.get(`${of} ${fingerprint}`)
    return fingerprint === undefined || !receipt ? [] : [{ planned, receipt }]
  })
}

/** By class and fingerprint: a receipt, or null where they fit several messages. */
async function facesOf(
  ledger: LedgerView,
  wanted: ReadonlySet<string>,
  receipts: Classes['receipts'],
): Promise<ReadonlyMap<string, Receipt | null>> {
  const lists = [...wanted].map((of) => ({ of, members: receipts.get(of) ?? [] }))
  const kept = await ledger.fingerprints(
    lists.flatMap(({ members }) => members.map(({ id }) => id)),
  )
  const faces = new Map<string, Receipt | null>()
  for (const { of, members } of lists) {
    for (const receipt of members) {
      const face = `${of} ${kept.get(receipt.id)}`
      const other = faces.get(face)
      if (other === undefined) faces.set(face, receipt)
      else if (other?.message !== receipt.message) faces.set(face, null)
    }
  }
  return faces
}
