/**
 * A transcript: what one real server says differently from a healthy one, and what popkeep must make of it.
 *
 * Replies are given by command, not in one sequence, so that a transcript holds whatever order the client chooses. All
 * octets are latin1 text, written for these tests after the symptoms of real servers.
 */

/** What the server writes. An object also says how it goes on. */
export type Reply =
  | string
  | {
      readonly octets: string
      /** Write in pieces of this many octets, each flushed alone. */
      readonly chunk?: number
      /** `fin`: end the connection behind it. */
      readonly after: 'fin' | 'go on'
    }

export interface Transcript {
  /** The symptom, as docs/protocol.md names it. */
  readonly name: string
  /** Where it was seen. */
  readonly server: string
  /**
   * Replies by command line ("RETR 2") or keyword ("UIDL"); a list answers the first, second... such command, its last
   * entry all further ones. "greeting" is the greeting. What is missing here is answered as a healthy server would.
   */
  readonly replies: Readonly<Record<string, Reply | readonly Reply[]>>
  readonly expect: Expectation
}

/** A row as [message number, octets, unique-id]. */
export type ExpectedRow = readonly [number, number | undefined, string | undefined]

/** Each field that is there makes the runner perform that action, in this order. */
export interface Expectation {
  readonly pipelined?: boolean
  /** Capability tags that must be known after login. */
  readonly has?: readonly string[]
  readonly stat?: { readonly messages: number; readonly octets: number | undefined }
  readonly listing?: readonly ExpectedRow[]
  readonly hasUniqueIds?: boolean
  /** By message number: the header section that TOP brought, or 'refused'. */
  readonly headers?: Readonly<Record<number, string>>
  /** By message number: octets, 'refused', or 'abandoned' where they began and did not end. */
  readonly messages?: Readonly<Record<number, string>>
  /** Message numbers that the server accepted to delete, of all listed. */
  readonly deleted?: readonly number[]
  readonly quit?: 'done' | 'refused' | 'lost'
  /** Code of the error with which the last action named here, or the opening, rejects. */
  readonly error?: string
  /** No command line sent may match. */
  readonly neverSends?: RegExp
  /** How many connections the client makes; 1 unless said. */
  readonly connections?: number
}
