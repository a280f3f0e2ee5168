/** What an archive's catalog says of a message, from one pass over its octets as they leave the wire. */
import { createMessageDigester, type MessageDigests } from './digest.ts'
import { factsOfLines, type HeaderFacts } from './facts.ts'

export interface MessageSummary
  extends Pick<MessageDigests, 'digest' | 'canonical' | 'fingerprint' | 'octets'> {
  readonly facts: HeaderFacts
}

export interface MessageSummarizer {
  /** Takes the next octets, in chunks of any size. The view is not kept. */
  write(octets: Uint8Array): void
  /** All octets came. To be called once. */
  end(): MessageSummary
}

/** Summarizes one message in constant memory, whatever its size. */
export function createMessageSummarizer(): MessageSummarizer {
  const digester = createMessageDigester()
  return {
    write(octets) {
      digester.write(octets)
    },
    end() {
      return summaryOf(digester.end())
    },
  }
}

/** The same of a message that was digested already. */
export function summaryOf(digests: MessageDigests): MessageSummary {
  const { digest, canonical, fingerprint, octets, lines } = digests
  return { digest, canonical, fingerprint, octets, facts: factsOfLines(lines) }
}
