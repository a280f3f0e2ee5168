/** Export to a Maildir without a catalog. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { ArchiveError } from '../durable/errors.ts'
import type { Draft } from './content.ts'
import {
  damage,
  type ExportedMessage,
  type ExportFinding,
  type ExportOptions,
  finding,
  messagesToExport,
  writeDraft,
} from './export-messages.ts'
import { ABANDONED_MS, GROUP_MESSAGES } from './limits.ts'
import { createMaildir, type MaildirContent, openMaildirContent } from './maildir-content.ts'
import type { NameSources } from './maildir-name.ts'
import type { ArchiveReader } from './reader.ts'
import { proveMessage, readProven } from './reader-proof.ts'

interface Staged {
  readonly message: ExportedMessage
  readonly draft: Draft
}

/**
 * Files with LF line ends where these can be undone, named with their digest, as in a maildir archive. Throws ArchiveError
 * ARCHIVE_CREATE if the Maildir is an archive.
 */
export function* exportMaildir(
  reader: ArchiveReader,
  root: string,
  options: ExportOptions & { readonly names: NameSources },
): Iterable<ExportFinding> {
  if (existsSync(join(root, 'popkeep.sqlite'))) {
    throw new ArchiveError(
      'ARCHIVE_CREATE',
      `${root} is a popkeep archive: export to maildir:${root} completes it, with its receipts`,
    )
  }
  createMaildir(root)
  const content = openMaildirContent(root, options)
  // No lock says whether another export is at work here.
  content.sweep(options.names.now() - ABANDONED_MS)
  const group: Staged[] = []
  try {
    for (const message of messagesToExport(reader, options.account)) {
      const staged = stage(reader, content, message)
      if ('kind' in staged) yield staged
      else group.push(staged)
      if (group.length === GROUP_MESSAGES) yield* publish(content, group)
    }
    yield* publish(content, group)
  } finally {
    for (const { draft } of group) draft.discard()
  }
}

/** Writes a message into tmp/, or says why not. */
function stage(
  reader: ArchiveReader,
  content: MaildirContent,
  message: ExportedMessage,
): Staged | ExportFinding {
  if (message.isRemoved) return finding('removed', message)
  if (content.has(message)) return findingThere(content, message)
  const proven = readProven(reader.content, message)
  if (proven.type !== 'ok') return damage(message, proven)
  return { message, draft: writeDraft(content, message, proven.chunks) }
}

/** Takes the messages out of the group before their findings are heard: they are no longer ours to discard. */
function* publish(content: MaildirContent, group: Staged[]): Iterable<ExportFinding> {
  // Another export may have brought some of them meanwhile.
  const missing = new Set(group.filter(({ message }) => !content.has(message)))
  content.publish(Array.from(missing, ({ draft }) => draft))
  const done = group.splice(0)
  for (const staged of done) if (!missing.has(staged)) staged.draft.discard()
  for (const staged of done) {
    const { message } = staged
    yield missing.has(staged) ? finding('written', message) : findingThere(content, message)
  }
}

function findingThere(content: MaildirContent, message: ExportedMessage): ExportFinding {
  const isSame = proveMessage(content, message).type === 'ok'
  return finding(isSame ? 'present' : 'conflict', message)
}
