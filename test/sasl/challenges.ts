import fc from 'fast-check'
import { SaslError, type SaslMechanism } from '../../src/sasl/mechanism.ts'

export const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1')

export const base64 = (message: Uint8Array | undefined): string =>
  Buffer.from(message ?? []).toString('base64')

/** The code and text of the SaslError that `run` must throw. */
export function saslError(run: () => unknown): SaslError {
  try {
    run()
  } catch (error) {
    if (error instanceof SaslError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** One character too many. */
export const oversize = new Uint8Array(64 * 1024 + 1).fill(0x41)

/** Octets of any kind, and texts that look like what servers send. */
export const anyChallenge = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .array(
      fc.constantFrom('r=abc', 's=QSXCR+Q6', 'i=4096', 'v=AAAA', 'e=no', 'm=x', ',', '=', '{"'),
    )
    .map((parts) => octets(parts.join(','))),
  fc.constant(oversize),
)

/** What the mechanism answers to these challenges, up to the first that it refuses; any other error fails the test. */
export function answersTo(mechanism: SaslMechanism, challenges: readonly Uint8Array[]): string {
  let said = Buffer.from(mechanism.initialResponse ?? []).toString('latin1')
  for (const challenge of challenges) {
    try {
      said += Buffer.from(mechanism.respond(challenge)).toString('latin1')
    } catch (error) {
      if (!(error instanceof SaslError)) throw error
      said += error.message
    }
  }
  return said
}
