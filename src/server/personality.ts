/**
 * What a server says of itself and how. The protocol decides between +OK and -ERR; the words are here.
 */

/** Texts that follow "+OK " or "-ERR ". An empty text gives the bare indicator. Nothing may hold CR, LF or NUL. */
export interface Personality {
  /** Follows IMPLEMENTATION in the capability list (RFC 2449 section 6.9). */
  readonly implementation: string
  /** A fresh message-id for a greeting, different in each connection (RFC 1939 section 7, APOP). */
  timestamp(): string
  /** `timestamp` with its angle brackets, as APOP will use it. */
  greeting(timestamp: string): string
  passwordRequired(user: string): string
  loggedIn(user: string, messages: number, octets: number): string
  loginRefused(user: string): string
  inUse(): string
  /** The maildrop could not be opened, or not be updated at QUIT. */
  failed(): string
  stat(messages: number, octets: number): string
  list(messages: number, octets: number): string
  retrieving(octets: number): string
  top(): string
  uniqueIds(): string
  deleted(messageNumber: number): string
  alreadyDeleted(messageNumber: number): string
  noSuchMessage(messageNumber: number): string
  notNumber(argument: string): string
  last(messageNumber: number): string
  reset(messages: number, octets: number): string
  noop(): string
  capabilities(): string
  signingOff(): string
  notAllRemoved(): string
  tooFew(keyword: string): string
  tooMany(keyword: string): string
  unknown(keyword: string): string
  unknownMechanism(): string
  badExchange(): string
  cancelled(): string
  lineTooLong(): string
  notPrintable(): string
  tooManyErrors(): string
}

/** The voice of Qualcomm's Qpopper 2.2, as the sessions of its day show it. */
export function qpopper(options: {
  readonly hostName: string
  /** "2.2" unless said. */
  readonly version?: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A number that no other connection of the same second has: Qpopper ran a process for each. */
  readonly pid: () => number
}): Personality {
  const { hostName, version = '2.2', now, pid } = options
  return {
    implementation: 'popkeep',
    timestamp: () => `<${pid()}.${Math.floor(now() / 1000)}@${hostName}>`,
    // Qpopper puts two blanks before the timestamp.
    greeting: (timestamp) => `QPOP (version ${version}) at ${hostName} starting.  ${timestamp}`,
    passwordRequired: (user) => `Password required for ${user}.`,
    loggedIn: (user, messages, octets) => `${user} has ${drop(messages, octets)}.`,
    loginRefused: (user) => `Password supplied for "${user}" is incorrect.`,
    inUse: () => 'Maildrop lock busy!  Is another session active?',
    failed: () => 'Unable to open the maildrop.',
    stat: (messages, octets) => `${messages} ${octets}`,
    list: drop,
    retrieving: (octets) => count(octets, 'octet'),
    top: () => 'Message follows',
    uniqueIds: () => 'uidl command accepted.',
    deleted: (messageNumber) => `Message ${messageNumber} has been deleted.`,
    alreadyDeleted: (messageNumber) => `Message ${messageNumber} has already been deleted.`,
    noSuchMessage: (messageNumber) => `Message ${messageNumber} does not exist.`,
    notNumber: (argument) => `"${argument}" is not a number.`,
    last: (messageNumber) => `${messageNumber} is the last read message.`,
    reset: (messages, octets) => `Maildrop has ${drop(messages, octets)}`,
    noop: () => '',
    capabilities: () => 'Capability list follows',
    signingOff: () => `Pop server at ${hostName} signing off.`,
    notAllRemoved: () => 'Some deleted messages were not removed.',
    tooFew: (keyword) => `Too few arguments for the ${keyword} command.`,
    tooMany: (keyword) => `Too many arguments for the ${keyword} command.`,
    unknown: (keyword) => `Unknown command: "${keyword}".`,
    unknownMechanism: () => 'Authentication mechanism is not supported.',
    badExchange: () => 'Authentication response is not understood.',
    cancelled: () => 'Authentication exchange was cancelled.',
    lineTooLong: () => 'Command line is too long.',
    notPrintable: () => 'Command line holds octets that are not printable.',
    tooManyErrors: () => 'Too many errors.',
  }
}

function drop(messages: number, octets: number): string {
  return `${count(messages, 'message')} (${count(octets, 'octet')})`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
