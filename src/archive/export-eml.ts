/** Export to a folder of files, one a message. */
import { join } from 'node:path'
import { createFolder, publishFile, syncFolder } from '../durable/files.ts'
import { beginFile, hasOctets, isThere, sweepPartials } from './export-file.ts'
import {
  damage,
  type ExportedMessage,
  type ExportFinding,
  type ExportOptions,
  finding,
  messagesToExport,
} from './export-messages.ts'
import { GROUP_MESSAGES } from './limits.ts'
import type { NameSources } from './maildir-name.ts'
import type { ArchiveReader } from './reader.ts'
import { readProven } from './reader-proof.ts'

/** One file a message, `<digest>.eml`, with the exact octets. */
export function* exportEml(
  reader: ArchiveReader,
  folder: string,
  options: ExportOptions & { readonly names: NameSources },
): Iterable<ExportFinding> {
  createFolder(folder)
  sweepPartials(folder, options.names, (name) => /^[0-9a-f]{64}\.eml$/.test(name))
  let unsynced = 0
  try {
    for (const message of messagesToExport(reader, options.account)) {
      const found = exportFile(reader, { folder, names: options.names }, message)
      if (found.kind === 'written') unsynced += 1
      if (unsynced === GROUP_MESSAGES) {
        syncFolder(folder)
        unsynced = 0
      }
      yield found
    }
  } finally {
    if (unsynced > 0) syncFolder(folder)
  }
}

function exportFile(
  reader: ArchiveReader,
  { folder, names }: { readonly folder: string; readonly names: NameSources },
  message: ExportedMessage,
): ExportFinding {
  if (message.isRemoved) return finding('removed', message)
  const path = join(folder, `${message.hex}.eml`)
  if (isThere(path)) return finding(hasOctets(path, message) ? 'present' : 'conflict', message)
  const proven = readProven(reader.content, message)
  if (proven.type !== 'ok') return damage(message, proven)
  const file = beginFile(path, names)
  try {
    for (const chunk of proven.chunks) file.write(chunk)
    file.seal()
    const published = publishFile(file.path, path)
    return finding(published === 'taken' ? 'conflict' : 'written', message)
  } finally {
    file.discard()
  }
}
