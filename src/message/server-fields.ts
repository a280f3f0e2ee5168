/**
 * Header fields that servers write into a message that they keep. They come and go between two retrievals of the same
 * message, so neither canonical digest nor fingerprint counts them.
 */
export const SERVER_FIELDS: ReadonlySet<string> = new Set([
  // UW ipop3d and its kin keep flags in them; qpopper and UW mbox keep unique-ids and uidvalidity.
  'status',
  'x-status',
  'x-keywords',
  'x-uid',
  'x-uidl',
  'x-imap',
  'x-imapbase',
  'x-message-flag',
  // mbox spools of the System V kind count the body in it.
  'content-length',
  // Written at delivery, by some servers only when the message is read.
  'return-path',
])
