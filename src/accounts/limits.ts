/** Bounds of what gives a secret or a token. */

/** Octets read of a password file or of what a password command prints: tokens are of some KiB, no secret is longer. */
export const MAX_SECRET_OCTETS = 64 * 1024

/** How long a password command may take: it may ask its owner to unlock something. */
export const PASSWORD_COMMAND_MS = 60_000

/** How long before its end an access token is renewed: a login and a first command fit in, and clocks differ. */
export const TOKEN_MARGIN_MS = 5 * 60_000

/** How long an access token is taken to live if the answer does not say (RFC 6749 section 5.1 only recommends it). */
export const TOKEN_LIFE_S = 3600

/** And at most, whatever the answer says: a number there must not become a date that does not exist. */
export const MAX_TOKEN_LIFE_S = 366 * 86_400

/** Octets of an answer of an OAuth provider; those with tokens have some KiB. */
export const MAX_OAUTH_ANSWER_OCTETS = 64 * 1024

/** Octets of one token: two of them go into a secret file. Entra's have up to 5 KiB. */
export const MAX_TOKEN_OCTETS = 24 * 1024

/** How long a renewal that has begun may go on once its run is interrupted: its answer may be the only one there is. */
export const TOKEN_GRACE_MS = 5_000

/** How long one request to an OAuth provider may take, its answer included. */
export const OAUTH_REQUEST_MS = 30_000

/** How long another run's renewal is waited for: longer than one request and one write take. */
export const TOKEN_LOCK_MS = 60_000

/** How often a lock that another run holds is tried again. */
export const TOKEN_LOCK_RETRY_MS = 100

/** How long a person has to grant access; device codes live as long at most providers. */
export const OAUTH_LOGIN_MS = 15 * 60_000

/** Seconds between the polls of the device flow where the provider names none (RFC 8628 section 3.2). */
export const DEVICE_INTERVAL_S = 5

/** And at least, whatever it names: a provider that says 0.001 would be flooded. */
export const MIN_DEVICE_INTERVAL_S = 1

/** How long the device flow pauses, in seconds, after a poll that met a passing fault, before doubling. */
export const DEVICE_PAUSE_S = 5

/** Requests to the redirect URI that are not the awaited one (favicon, scanners) before the login is given up. */
export const MAX_STRAY_REQUESTS = 100

/** How often a person may paste what is not the awaited URL. */
export const MAX_PASTES = 3

/** How long a command that was told to end may tidy up, as to give a terminal its echo back, before it is killed. */
export const COMMAND_GRACE_MS = 2_000

/** How long a keyring may take: its owner may have to unlock it. */
export const KEYRING_MS = 60_000

/** How long one look into the DNS may take while a server is looked for: two tries of a slow resolver. */
export const DNS_MS = 5_000

/** How long a server may take to greet while it is looked for. Some look up who calls before they say a word. */
export const PROBE_MS = 15_000

/** SRV and MX records looked at, of each answer. Nobody needs as many; a hostile DNS could send hundreds to try. */
export const MAX_RECORDS = 8
