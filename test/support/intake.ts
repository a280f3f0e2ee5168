import type { IntakeOutcome, IntakeSink, Stored } from '../../src/sync/ports/intake.ts'
import type { ReceiptKey } from '../../src/sync/ports/receipt.ts'

/** A ledger of the ports, or one that has their shape. */
interface Taker<Sink extends IntakeSink> {
  intake(key: ReceiptKey, options: { readonly byCanonical: boolean }, outcome: IntakeOutcome): Sink
}

/** Begins an intake whose outcome can be waited for. Nobody has to look at it. */
export function intakeOf<Sink extends IntakeSink>(
  ledger: Taker<Sink>,
  key: ReceiptKey,
  byCanonical = false,
): { readonly sink: Sink; readonly stored: Promise<Stored> } {
  let outcome: IntakeOutcome | undefined
  const stored = new Promise<Stored>((resolve, reject) => {
    outcome = { stored: resolve, failed: reject }
  })
  stored.catch(() => undefined)
  const sink = ledger.intake(
    key,
    { byCanonical },
    {
      stored: (result) => outcome?.stored(result),
      failed: (error) => outcome?.failed(error),
    },
  )
  return { sink, stored }
}
