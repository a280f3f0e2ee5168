/** How much an archive holds in memory, commits, compares or tells at a time. None of it bounds a message or an archive. */

/** A group is committed, or synced, at once: it shares one fsync, and is what a crash can undo. */
export const GROUP_MESSAGES = 1000
export const GROUP_OCTETS = 8 * 1024 * 1024

/** How long a complete message waits for others to share its commit. */
export const GROUP_MS = 200

/** A message up to this size is one value in an sqlite archive; a larger one is kept in pieces of this size. */
export const PIECE_OCTETS = 1024 * 1024

/** Of all messages that are still coming in together: full pieces that wait in memory. What is beyond that is staged. */
export const HELD_PIECES = 1

/**
 * Messages with one canonical digest that are looked at to recognise another. Honest mail has a few copies, one a route;
 * a sender who varies what servers write can make thousands, and each would be compared with all before it. What is not
 * recognised is kept as a message of its own.
 */
export const CANONICAL_CANDIDATES = 64

/** After this time without a write, a temporary file in a folder without locks was left by an export that was killed. */
export const ABANDONED_MS = 60 * 60 * 1000

/** A maildrop may have any number of rows that cannot be retrieved; a person reads the first. */
export const QUARANTINED_LISTED = 100
