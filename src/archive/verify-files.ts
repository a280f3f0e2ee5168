/** Files of a Maildir that name a digest which no row of the catalog has: nothing else would ever read them. */
import { ArchiveError } from '../durable/errors.ts'
import { MaildirFiles, readPlainFile } from './maildir-files.ts'
import { findForm } from './maildir-form.ts'
import type { ArchiveReader } from './reader.ts'

export type FileFinding =
  | { readonly kind: 'adoptable' | 'altered'; readonly id: string; readonly octets: number }
  | { readonly kind: 'damaged'; readonly id: string; readonly text: string }

/**
 * Lists new/ and cur/ and reads each such file, one at a time: it is `adoptable` if its octets are those that its name says,
 * else `altered`. A sync at work may have linked files that it has not committed yet; they are adoptable for a moment.
 *
 * Throws ArchiveError or SqliteError where folders or catalog cannot be read.
 */
export function* checkUnknownFiles({ database, location }: ArchiveReader): Iterable<FileFinding> {
  const files = new MaildirFiles(location.path)
  const isKnown = database.prepare('SELECT 1 FROM message WHERE digest = ?')
  for (const digest of files.index.digests()) {
    if (isKnown.get(digest) !== undefined) continue
    const finding = checkFile(files, digest)
    if (finding !== undefined) yield finding
  }
}

/** Undefined if the file is gone by now. */
function checkFile(files: MaildirFiles, digest: Uint8Array): FileFinding | undefined {
  const id = Buffer.from(digest).toString('hex')
  const path = files.locate(digest)
  if (path === undefined) return undefined
  let octets = 0
  const counted = function* () {
    octets = 0
    for (const chunk of readPlainFile(path)) {
      octets += chunk.byteLength
      yield chunk
    }
  }
  try {
    const found = findForm(counted, digest)
    if (found === undefined) return { kind: 'altered', id, octets }
    return { kind: 'adoptable', id, octets: found.octets }
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    // Its owner moved it since the folders were listed: it is read next time.
    if (error.code === 'ARCHIVE_CONTENT_MISSING') return undefined
    return { kind: 'damaged', id, text: error.message }
  }
}
