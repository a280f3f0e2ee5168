/** Export: an archive's messages as plain files, or as another archive. The source is only read. */
import { exportArchive } from './export-archive.ts'
import { exportEml } from './export-eml.ts'
import { exportMaildir } from './export-maildir.ts'
import { exportMbox } from './export-mbox.ts'
import type { ExportFinding, ExportOptions } from './export-messages.ts'
import type { ArchiveLocation } from './location.ts'
import type { NameSources } from './maildir-name.ts'
import { systemSources } from './open.ts'
import type { ArchiveReader } from './reader.ts'

export type ExportFormat = 'eml' | 'mbox' | 'maildir'

/** `tree`: plain files; `path` is a folder, or for mbox the file. `archive`: becomes or completes an archive. */
export type ExportTarget =
  | { readonly type: 'archive'; readonly location: ArchiveLocation }
  | { readonly type: 'tree'; readonly format: ExportFormat; readonly path: string }

/**
 * Exports message by message, as the findings are taken: the export is complete, and durable, when the last was. Leaving
 * the loop earlier leaves nothing half-written. Messages with equal octets are one message.
 *
 * Throws ArchiveError if the destination cannot be written (see each kind); a damaged message of the source is a finding,
 * and the rest goes on.
 */
export function exportMessages(
  reader: ArchiveReader,
  target: ExportTarget,
  options: ExportOptions & { readonly names?: NameSources } = {},
): Iterable<ExportFinding> {
  const withNames = { ...options, names: options.names ?? systemSources }
  if (target.type === 'archive') return exportArchive(reader, target.location, withNames)
  switch (target.format) {
    case 'eml':
      return exportEml(reader, target.path, withNames)
    case 'mbox':
      return exportMbox(reader, target.path, withNames)
    case 'maildir':
      return exportMaildir(reader, target.path, withNames)
  }
}
