/** All bounds of the protocol, each with its reason. Passing one ends the session (POP3_LIMIT) unless said otherwise. */

/** Octets of a status line without its end. RFC 2449 section 4 permits 512 with CRLF; real servers send longer texts. */
export const STATUS_LINE_OCTETS = 8 * 1024

/**
 * Octets of a SASL challenge, and of a line that carries our side of one. RFC 5034 section 4 sets no bound; tokens of
 * several thousand octets are common, and a fixed small buffer for them is what other clients break on.
 */
export const CONTINUATION_OCTETS = 64 * 1024

/** Challenges of one AUTH. The longest mechanism has three. */
export const SASL_ROUNDS = 32

/** Mechanisms begun in one login, on all its connections: refusals count towards lock-outs. */
export const LOGIN_ATTEMPTS = 5

/** Lines of a capability list. The longest list seen in the field has under 30. */
export const CAPABILITY_LINES = 200

/** Octets of one capability line; RFC 2449 section 5 permits 512. */
export const CAPABILITY_LINE_OCTETS = 4 * 1024

/**
 * Octets of one row of a listing. Far more than a unique-id may have: a row with a monstrous one must cost that message
 * its unique-id, not the whole maildrop its session.
 */
export const LISTING_ROW_OCTETS = 128 * 1024

/** Rows of one listing: popa3d serves at most 2,097,152 messages, others fewer. Keeps an endless listing from filling memory. */
export const LISTING_ROWS = 2_000_000

/**
 * Octets of a unique-id. RFC 1939 section 7 has 70; longer ones are in use. Past it the row counts as one without
 * unique-id: a cut one could equal another's.
 */
export const UNIQUE_ID_OCTETS = 1024

/** Largest message number believed; it must stay an exact 32-bit integer in every tool. Rows past it are ignored. */
export const MESSAGE_NUMBER = 2 ** 31 - 1

/** Octets kept of a header section that TOP brings; what follows is read and dropped. */
export const HEADER_OCTETS = 1024 * 1024

/** Octets of a whole response to TOP n 0, so that an endless one ends. Some servers send the body with it. */
export const TOP_OCTETS = 256 * 1024 * 1024

/**
 * Octets of a command line with CRLF that every server with CAPA accepts (RFC 2449 section 4). An initial response that
 * does not fit goes in a line of its own (RFC 5034 section 4).
 */
export const COMMAND_OCTETS = 255

/**
 * Octets of a command line with a name or a password. USER and PASS with long arguments pass 255 and are accepted by
 * servers of our time; Dovecot refuses 3,000.
 */
export const LONG_COMMAND_OCTETS = 2048

/** Commands outstanding at once, to begin with: as many as mpop has sent for years. */
export const WINDOW_COMMANDS = 100

/**
 * Commands outstanding at once where round trips are long: 20,000 small messages a second at 50 ms. What a session that
 * breaks leaves unread on its way is bounded by WINDOW_RESPONSE_OCTETS.
 */
export const WINDOW_MOST_COMMANDS = 1000

/** Replies after which a wide window is refilled: what one write carries at least, where half of the window is more. */
export const WINDOW_REFILL_COMMANDS = 100

/**
 * Octets of outstanding commands: less than the kernels at both ends hold, so that a write does not wait for a server that
 * itself waits for us to read.
 */
export const WINDOW_COMMAND_OCTETS = 12 * 1024

/** Response octets outstanding: what is in flight, and lost, when a session breaks. */
export const WINDOW_RESPONSE_OCTETS = 4 * 1024 * 1024

/**
 * What one message counts at most against WINDOW_RESPONSE_OCTETS, so that the command queue does not run dry behind a
 * large one.
 */
export const WINDOW_MESSAGE_OCTETS = 1024 * 1024

/** What a message counts whose size was not listed. */
export const WINDOW_UNLISTED_OCTETS = 32 * 1024

/** Consecutive -ERR after which the pipeline stops and asks NOOP: Dovecot closes after 20 bad commands in a row. */
export const CONSECUTIVE_REFUSALS = 5

/**
 * Rows retrieved, or their listed octets, after which STAT shows whether replies still belong to their commands. What was
 * retrieved since the last such proof is retrieved once more if the session breaks.
 */
export const CHECK_ROWS = 50
export const CHECK_OCTETS = 1024 * 1024
