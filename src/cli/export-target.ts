import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { UsageError } from '../accounts/errors.ts'
import { shellWord } from '../accounts/login-command.ts'
import type { ExportFormat, ExportTarget } from '../archive/export.ts'
import { catalogPath, parseLocation, requireKnownKind } from '../archive/location.ts'

/**
 * What to make of a destination. A bare path is plain files; without a format, its ending or what is there tells which. Throws
 * UsageError, or ARCHIVE_NAME, where it may be meant for something else.
 */
export function exportTarget(destination: string, format: ExportFormat | undefined): ExportTarget {
  if (!/^(?:sqlite|maildir):/.test(destination)) {
    requireKnownKind(destination)
    return { type: 'tree', format: format ?? formatAt(destination), path: resolve(destination) }
  }
  if (format !== undefined) {
    throw new UsageError('export: --format is for plain files, not for an archive')
  }
  return { type: 'archive', location: parseLocation(destination) }
}

function formatAt(destination: string): ExportFormat {
  if (/\.mbox$/i.test(destination)) return 'mbox'
  if (/\.(?:sqlite3?|db)$/i.test(destination)) {
    throw new UsageError(
      `for an archive write popkeep export ${shellWord(`sqlite:${destination}`)}`,
    )
  }
  const path = resolve(destination)
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isFile()) {
    throw new UsageError(
      `${destination} is a file: name a folder for eml files, or a new file *.mbox`,
    )
  }
  const isMaildir = ['tmp', 'new', 'cur'].every((folder) => existsSync(join(path, folder)))
  if (!isMaildir) return 'eml'
  if (!existsSync(catalogPath({ kind: 'maildir', path }))) return 'maildir'
  // Plain files in there would be taken for the owner's when its next sync begins.
  throw new UsageError(
    `${destination} is an archive of popkeep: write popkeep export ${shellWord(`maildir:${destination}`)} to complete it, or name another folder`,
  )
}

/** What was written, as the last line has it. */
export function targetWords(target: ExportTarget): string {
  if (target.type === 'archive') return ''
  const words = { eml: ' as eml files', mbox: ' as one mbox', maildir: ' as a Maildir' }
  return words[target.format]
}
