/** Fewer messages were found in the archive than its catalog knows; mail may be missing from it. */
export class ArchiveDamagedError extends Error {
  override readonly name = 'ArchiveDamagedError'
  readonly code = 'ARCHIVE_DAMAGED'
}

/** Replies did not belong to the commands that they were taken for. */
export class OutOfStepError extends Error {
  override readonly name = 'OutOfStepError'
  readonly code = 'POP3_OUT_OF_STEP'
}

/** The stable code of an error, for the catalog and for scripts. */
export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    return error.code
  }
  return error instanceof DOMException ? 'INTERRUPTED' : 'INTERNAL'
}
