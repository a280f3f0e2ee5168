/** Reads messages and compares them with their digest, before anybody relies on them. */
import { createHash } from 'node:crypto'
import { ArchiveError, asArchiveError } from '../durable/errors.ts'
import type { ContentStore, StoredMessage } from './content.ts'
import { PIECE_OCTETS } from './limits.ts'

/** The part of a content store that reading needs. */
export type ContentReader = Pick<ContentStore, 'has' | 'read'>

/** What became of the octets of a message. */
export type Proof =
  | { readonly type: 'ok' }
  /** Other octets are there. */
  | { readonly type: 'altered'; readonly octets: number }
  | { readonly type: 'missing'; readonly error: ArchiveError }
  /** The system or SQLite could not read them. */
  | { readonly type: 'unreadable'; readonly error: ArchiveError }

/** Reads a message whole and compares it with its digest. Throws only what is a fault of the program. */
export function proveMessage(content: ContentReader, message: StoredMessage): Proof {
  const hash = createHash('sha256')
  let octets = 0
  try {
    for (const chunk of content.read(message)) {
      hash.update(chunk)
      octets += chunk.length
    }
  } catch (cause) {
    const error = asArchiveError(cause, 'the archive', 'read')
    if (!(error instanceof ArchiveError)) throw error
    const type = error.code === 'ARCHIVE_CONTENT_MISSING' ? 'missing' : 'unreadable'
    return { type, error }
  }
  const isSame = octets === message.octets && hash.digest().equals(message.digest)
  return isSame ? { type: 'ok' } : { type: 'altered', octets }
}

/** Proven octets, or why there are none. The chunks may be asked for more than once. */
export type Proven =
  | { readonly type: 'ok'; readonly chunks: Iterable<Uint8Array> }
  | Exclude<Proof, { readonly type: 'ok' }>

/**
 * The octets of a message, none of which is handed out before all were compared with the digest. A large message is read
 * twice, and its chunks end with an ArchiveError ARCHIVE_DAMAGED if it changed in between.
 */
export function readProven(content: ContentReader, message: StoredMessage): Proven {
  if (message.octets > PIECE_OCTETS) {
    const proof = proveMessage(content, message)
    const chunks = { [Symbol.iterator]: () => readAgain(content, message) }
    return proof.type === 'ok' ? { type: 'ok', chunks } : proof
  }
  const chunks: Uint8Array[] = []
  const recording: ContentReader = {
    has: (one) => content.has(one),
    *read(one) {
      let octets = 0
      for (const chunk of content.read(one)) {
        octets += chunk.length
        // More than the catalog says: altered, whatever follows, and it may be long.
        if (octets <= one.octets) chunks.push(chunk)
        yield chunk
      }
    },
  }
  const proof = proveMessage(recording, message)
  return proof.type === 'ok' ? { type: 'ok', chunks } : proof
}

function* readAgain(content: ContentReader, message: StoredMessage): Generator<Uint8Array> {
  const hash = createHash('sha256')
  for (const chunk of content.read(message)) {
    hash.update(chunk)
    yield chunk
  }
  if (!hash.digest().equals(message.digest)) {
    throw new ArchiveError('ARCHIVE_DAMAGED', 'a message changed while it was read')
  }
}
