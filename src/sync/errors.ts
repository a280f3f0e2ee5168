/** Fewer messages were found in the archive than its catalog knows; mail may be missing from it. */
export class ArchiveDamagedError extends Error {
  override readonly name = 'ArchiveDamagedError'
  readonly code = 'ARCHIVE_DAMAGED'
}

/** The stable code of an error, for the catalog and for scripts. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code
  }
  return error instanceof DOMException ? 'INTERRUPTED' : 'INTERNAL'
}
