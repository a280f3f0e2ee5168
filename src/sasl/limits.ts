/** All bounds of the mechanisms, each with its reason. */

/** Octets of one challenge, decoded. The longest in use, SCRAM's server-first, has under 300. */
export const CHALLENGE_OCTETS = 64 * 1024

/** Characters kept of what a server says in an error challenge; it goes into one line of an error message. */
export const SERVER_ERROR_CHARACTERS = 1024

/** Octets of SCRAM's salt. Servers use 12 to 32. */
export const SALT_OCTETS = 1024

/**
 * Fewest iterations of SCRAM. RFC 7677 section 4 forbids a server to announce fewer, RFC 5802 section 5.1 advises against
 * it, and neither Dovecot nor Cyrus SASL stores fewer (both: 4096, least and default). Who asks for fewer wants a proof that
 * is cheap to guess passwords from.
 */
export const LEAST_ITERATIONS = 4096

/**
 * Most iterations of SCRAM. They run on the main thread and stop every account's socket: a million takes 0.2 to 0.35 s on
 * the 2-core machine where it was measured (Node 20 and 24, both hashes). Cyrus SASL stores at most 65,536.
 */
export const MOST_ITERATIONS = 1_000_000

/** Characters of an APOP stamp. RFC 1939 fits the whole greeting into 512. */
export const STAMP_CHARACTERS = 512
