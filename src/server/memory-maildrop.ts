/**
 * A maildrop held in memory, for the demo and for tests. Deletions and marks last as long as the object.
 */
import type { MaildropMessage, MaildropSource, OpenMaildrop } from './maildrop-source.ts'

/** What a memory maildrop is filled with. `octets` must have CRLF line ends. */
export interface MemoryMessage {
  readonly octets: Uint8Array
  readonly uniqueId: string
  /** False unless said. */
  readonly accessed?: boolean
}

export class MemoryMaildrop implements MaildropSource {
  #messages: readonly MaildropMessage[]

  constructor(messages: Iterable<MemoryMessage>) {
    this.#messages = Array.from(messages, ({ octets, uniqueId, accessed = false }) => ({
      octets: octets.length,
      uniqueId,
      accessed,
      read: () => [octets],
    }))
  }

  /** What the maildrop holds now, whatever a session has marked. */
  get messages(): readonly MaildropMessage[] {
    return this.#messages
  }

  /** New mail arrives; an open session does not see it. */
  deliver(message: MemoryMessage): void {
    this.#messages = [...this.#messages, ...new MemoryMaildrop([message]).#messages]
  }

  open(): Promise<OpenMaildrop> {
    return Promise.resolve({
      messages: this.#messages,
      commit: (deleted, accessed) => {
        const gone = new Set(deleted)
        const marked = new Set(accessed)
        this.#messages = this.#messages
          .filter((message) => !gone.has(message))
          .map((message) => (marked.has(message) ? { ...message, accessed: true } : message))
        return Promise.resolve()
      },
      release: () => {},
    })
  }
}
