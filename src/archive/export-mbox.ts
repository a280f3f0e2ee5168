/** Export to one mbox file. */
import { createHash } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { ArchiveError } from '../durable/errors.ts'
import { createFolder, publishFile, syncFolder } from '../durable/files.ts'
import { readHeader } from '../message/header-fields.ts'
import { beginFile, hasOctets, sweepPartials } from './export-file.ts'
import {
  damage,
  type ExportedMessage,
  type ExportFinding,
  type ExportOptions,
  finding,
  messagesToExport,
} from './export-messages.ts'
import type { NameSources } from './maildir-name.ts'
import { fromLine, MboxEncoder, senderOf } from './mbox.ts'
import type { ArchiveReader } from './reader.ts'
import { readProven } from './reader-proof.ts'

/**
 * All messages in one mboxrd file. Its findings come while the temporary file is written; the file is there once the
 * last was taken. Throws ArchiveError ARCHIVE_CREATE if a file with other octets has its name.
 */
export function* exportMbox(
  reader: ArchiveReader,
  path: string,
  options: ExportOptions & { readonly names: NameSources },
): Iterable<ExportFinding> {
  const folder = dirname(path)
  createFolder(folder)
  sweepPartials(folder, options.names, (name) => name === basename(path))
  const file = beginFile(path, options.names)
  const hash = createHash('sha256')
  const write = (octets: Uint8Array) => {
    hash.update(octets)
    file.write(octets)
  }
  try {
    for (const message of messagesToExport(reader, options.account)) {
      yield exportMboxMessage(reader, message, write)
    }
    file.seal()
    if (publishFile(file.path, path) !== 'taken') syncFolder(folder)
    else if (!hasOctets(path, { octets: file.octets, digest: hash.digest() })) {
      throw new ArchiveError('ARCHIVE_CREATE', `${path}: another file is there, and was left alone`)
    }
  } finally {
    file.discard()
  }
}

function exportMboxMessage(
  reader: ArchiveReader,
  message: ExportedMessage,
  write: (octets: Uint8Array) => void,
): ExportFinding {
  if (message.isRemoved) return finding('removed', message)
  const proven = readProven(reader.content, message)
  if (proven.type !== 'ok') return damage(message, proven)
  write(fromLine(senderOf(readHeader(proven.chunks)), message.date))
  const encoder = new MboxEncoder()
  for (const chunk of proven.chunks) write(encoder.write(chunk))
  write(encoder.end())
  return finding('written', message)
}
