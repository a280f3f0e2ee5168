/**
 * What a session asks of its host. Actions are performed one at a time, in order.
 */
import type { LoginClaim } from './authentication.ts'
import type { MaildropMessage } from './maildrop-source.ts'

export type ServerAction =
  | { readonly type: 'write'; readonly octets: Uint8Array }
  /**
   * Write the message byte-stuffed, and the termination octet. With `bodyLines`, its header section, the blank line and
   * that many lines of its body (TOP). If it cannot be read to its end, cut the connection: an early termination octet
   * would pass a part off as the whole.
   */
  | {
      readonly type: 'message'
      readonly message: MaildropMessage
      readonly bodyLines: number | undefined
    }
  /** Check the claim and open the maildrop; then call `opened` or `refused`. */
  | { readonly type: 'login'; readonly claim: LoginClaim }
  /** The update state: commit; then call `updated`. */
  | {
      readonly type: 'update'
      readonly deleted: readonly MaildropMessage[]
      readonly accessed: readonly MaildropMessage[]
    }
  /** Close the connection when all is written. */
  | { readonly type: 'close' }
