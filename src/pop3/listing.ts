/** Placeholder until the protocol room is written. */
export type UniqueId = string
export interface ListedMessage {
  readonly messageNumber: number
  readonly octets: number | undefined
  readonly uniqueId: UniqueId | undefined
}
export interface DropListing {
  readonly messages: number
  readonly octets: number | undefined
}
