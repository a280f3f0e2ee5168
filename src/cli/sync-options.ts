/** `sync` as it was asked for on the command line; unsaid options are absent. */
export interface SyncOptions {
  readonly archive?: string
  readonly account?: string
  readonly config?: string
  readonly tls?: 'implicit' | 'stls' | 'none'
  readonly tlsCa?: string
  readonly tlsPin?: string
  readonly auth?: string
  readonly passwordFile?: string
  readonly passwordCommand?: string
  readonly delete?: true
  readonly deleteAfter?: string
  readonly dryRun?: true
  readonly maxMessages?: number
  readonly limitOctets?: number
  readonly jobs?: number
  readonly json?: true
  readonly quiet?: true
  readonly verbose?: true
  readonly trace?: string
  readonly progress: 'auto' | 'always' | 'never'
}
