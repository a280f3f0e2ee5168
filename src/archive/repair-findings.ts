/** What a repair says about an archive. */

/**
 * - `sound`: the octets are right, and so was the catalog;
 * - `rebuilt`: the octets are right; what the catalog says of them was wrong or missing, and was written anew;
 * - `returned`: the octets of a message that was removed or wanted are there again;
 * - `wanted`: the octets are gone or wrong: the next sync retrieves it where a server still lists it;
 * - `removed`: taken as removed by its owner, from now on or before;
 * - `undecided`: the file is gone, as are too many others for an owner's act: nothing was changed;
 * - `unreadable`: the system cannot read the octets: nothing was changed.
 */
export interface MessageFinding {
  readonly kind:
    | 'sound'
    | 'rebuilt'
    | 'returned'
    | 'wanted'
    | 'removed'
    | 'undecided'
    | 'unreadable'
  /** Digest, 64 hex digits. */
  readonly id: string
  /** Of `wanted` and `unreadable`: what is wrong. */
  readonly text?: string
  /** Of `removed`: given up by this repair. */
  readonly givenUp?: {
    readonly subject: string | undefined
    /** An earlier repair had marked it, so that a sync could have retrieved it. */
    readonly wasWanted: boolean
  }
}

/**
 * - `kept`: a damaged file was put aside whole, under this path;
 * - `schema`: the file described these tables, indexes or views otherwise than popkeep wrote them: put right;
 * - `lost`: rows of a damaged catalog that could not be read, or contradict others;
 * - `anew`: SQLite could not read the catalog at all; what it knew but the files do not say is lost with it.
 */
export type CatalogFinding =
  | { readonly kind: 'anew' }
  | { readonly kind: 'schema'; readonly names: readonly string[] }
  | { readonly kind: 'kept'; readonly path: string }
  | { readonly kind: 'lost'; readonly table: string; readonly rows: number; readonly gaps: number }

export type RepairFinding = MessageFinding | CatalogFinding

/** What becomes of messages whose octets are gone: see docs/operations.md, "Damage". */
export type MissingChoice = 'keep' | 'retrieve' | 'accept'

export function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex')
}
