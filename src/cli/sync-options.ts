import type { ServerOptions } from './server-options.ts'

/** `sync` as it was asked for on the command line; unsaid options are absent. */
export interface SyncOptions extends ServerOptions {
  readonly archive?: string
  readonly account?: string
  readonly newArchive?: true
  readonly delete?: true
  readonly deleteAfter?: string
  readonly deleteOlder?: string
  readonly keepLatest?: number
  readonly deleteShort?: true
  readonly deleteAgain?: true
  readonly dryRun?: true
  readonly retryQuarantined?: true
  readonly maxMessages?: number
  readonly limitOctets?: number
  /** Ms. */
  readonly deadline?: number
  /** Ms; Infinity where no time was said. */
  readonly wait?: number
  /** Commander gives it a value of its own: true. */
  readonly quit?: boolean
  readonly jobs?: number
  readonly jobsPerHost?: number
  readonly json?: true
  readonly quiet?: true
  readonly verbose?: true
  readonly progress: 'auto' | 'always' | 'never'
}
