/** Bounds of what gives a secret. */

/** Octets read of a password file or of what a password command prints: tokens are of some KiB, no secret is longer. */
export const MAX_SECRET_OCTETS = 64 * 1024

/** How long a password command may take: it may ask its owner to unlock something. */
export const PASSWORD_COMMAND_MS = 60_000
