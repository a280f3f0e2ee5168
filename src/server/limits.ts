/** The bounds of the server, each with its reason. */

/**
 * Octets of a command line with its end. RFC 2449 section 4 asks for 255; RFC 4616 section 2 and RFC 5034 section 4
 * need about 1,040 for AUTH PLAIN with three fields of 255 octets in base64.
 */
export const COMMAND_LINE_OCTETS = 2048

/** Commands in a row that no server would take: unknown, malformed, out of state. A person's typing stays below. */
export const BAD_COMMANDS = 20

/** Wrong passwords in one connection, so that guessing costs a connection each few tries. */
export const FAILED_LOGINS = 3

/** Autologout: RFC 1939 section 3 asks for at least ten minutes. */
export const IDLE_MS = 10 * 60 * 1000

/** Connections at once; further ones are refused. A loopback server has few clients. */
export const CONNECTIONS = 64
