/** Bounds of everything that is read out of a message. The octets themselves have none: they are kept whatever they say. */

/** Octets of a header section that are looked at. Real ones rarely pass 64 KiB; lists of recipients make the longest. */
export const MAX_HEADER_OCTETS = 256 * 1024

/** Fields of one header section. A message forwarded through many hops has about 200. */
export const MAX_FIELDS = 1000

/** Octets of one field body. It also bounds what decoding and address parsing can cost. */
export const MAX_VALUE_OCTETS = 64 * 1024

/** Addresses of one list. What follows is left out. */
export const MAX_ADDRESSES = 1000

/** Characters of text that a reading command shows of one message; the rest is left to `--raw`. */
export const MAX_TEXT_CHARACTERS = 16 * 1024 * 1024

/** Octets of one message that are parsed to be read: the parser holds all text in memory. Mail servers pass 50 MB at most. */
export const MAX_PARSED_OCTETS = 64 * 1024 * 1024

/** MIME parts of one message that are looked at: nesting bombs have more, mail does not. */
export const MAX_PARTS = 1000

/** Octets shown of a body that the parser did not take. */
export const MAX_RAW_OCTETS = 1024 * 1024

/** Characters of a date: it is a line; what passes this is none. */
export const MAX_DATE_CHARACTERS = 256
