/** Somebody to tell how a run goes. */
import type { QuitOutcome } from './maildrop.ts'

/** Something happened that a person or a script may want to hear. Also the shape of the `--json` events. */
export type SyncEvent =
  | { readonly type: 'connecting'; readonly account: string }
  | {
      readonly type: 'listing'
      readonly account: string
      readonly rows: number
      readonly total: number
    }
  | {
      readonly type: 'plan'
      readonly account: string
      readonly listed: number
      readonly known: number
      /** Messages to retrieve, and their listed octets. */
      readonly retrieve: number
      readonly octets: number
      readonly delete: number
    }
  | { readonly type: 'receiving'; readonly account: string; readonly octets: number }
  | {
      readonly type: 'stored'
      readonly account: string
      readonly octets: number
      readonly isNew: boolean
    }
  | {
      readonly type: 'refused'
      readonly account: string
      readonly messageNumber: number
      readonly uniqueId: string | undefined
      readonly text: string
    }
  | { readonly type: 'deleting'; readonly account: string; readonly messages: number }
  | {
      /** The server accepted its DELE, and `quit` is what it said to QUIT. */
      readonly type: 'deleted'
      readonly account: string
      readonly uniqueId: string | undefined
      /** As listed. */
      readonly octets: number | undefined
      /** Where it is in the archive (hex); undefined where its owner removed it from there. */
      readonly digest: string | undefined
      readonly quit: QuitOutcome
    }
  | {
      readonly type: 'waiting'
      readonly account: string
      /** RFC 3339 UTC. Undefined: nobody knows how long. */
      readonly until: string | undefined
      /**
       * `pause`: the server wants it between two logins. `in use`: another session holds the maildrop. `locked`: another run of
       * popkeep holds the account or its archive; it may end before.
       */
      readonly reason: 'pause' | 'in use' | 'retry' | 'locked'
      /** The error that made it wait, in words. */
      readonly cause?: string | undefined
    }
  | {
      readonly type: 'notice'
      readonly account: string
      readonly code: string
      readonly text: string
      /** To be said also where nobody looks on. */
      readonly isWarning?: boolean | undefined
    }

/** Hears the events of a run. Must not throw and must return at once. */
export type Progress = (event: SyncEvent) => void
