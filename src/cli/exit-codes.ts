/** What each way to end means to the shell and to a person. The help, the documentation and the program read it here. */
import { OPEN_FILES_HINT } from '../durable/errors.ts'

/** The exit codes, sysexits where it has one. The order is that of the help. */
export const EXIT_STATUS: ReadonlyMap<number, string> = new Map([
  [0, 'done, also when nothing was new'],
  [1, 'done in part: some messages or accounts failed, the rest is stored'],
  [64, 'wrong usage'],
  [65, 'the archive is damaged, or it is no archive'],
  [69, 'the server cannot be reached'],
  [70, 'a defect in popkeep'],
  [73, 'the archive is gone, or cannot be created'],
  [74, 'the archive cannot be written'],
  [75, 'try later: in use, login delay, or locked by another run'],
  [76, 'protocol error, or TLS policy'],
  [77, 'login refused, or it needs its owner'],
  [78, 'the configuration is wrong'],
  [130, 'interrupted by Ctrl-C'],
  [143, 'terminated'],
])

/** How an error ends its account or its command. */
export interface Ending {
  readonly exit: number
  /** What to do next, in one sentence; empty where the message says it all. */
  readonly advice: string
}

const row = (exit: number, advice = ''): Ending => ({ exit, advice })

const ENDINGS: ReadonlyMap<string, Ending> = new Map([
  ['USAGE', row(64)],

  ['POP3_TEMPORARY', row(75, 'Nothing was changed; try again later.')],
  ['POP3_REFUSED', row(76, 'The server refused a command that every maildrop needs.')],
  ['POP3_NOT_POP3', row(76, 'Check host, port and the TLS mode: no POP3 server answers there.')],
  ['POP3_GREETING_REFUSED', row(69, 'The server turns connections away; try again later.')],
  [
    'POP3_OUT_OF_STEP',
    row(76, 'What was stored stays; run sync again, and add --trace if it recurs.'),
  ],
  ['POP3_LIMIT', row(76, 'What was stored stays; --trace shows what the server sent.')],
  ['POP3_ARGUMENT', row(78, 'Check user and password for line breaks.')],

  [
    'LOGIN_REFUSED',
    row(
      77,
      'Check user (the whole address, or what stands before the @) and password; many providers want an app password.',
    ),
  ],
  ['LOGIN_IN_USE', row(75, 'Another program has this maildrop open; try again later.')],
  ['LOGIN_DELAY', row(75, 'The server wants a pause between two logins; try again later.')],
  ['LOGIN_TEMPORARY', row(75, 'The server has a passing problem; try again later.')],
  ['LOGIN_PERMANENT', row(77, "The account's owner or its provider must act first.")],
  ['LOGIN_NO_MECHANISM', row(76, 'popkeep probe shows what the server offers; see --auth.')],
  [
    'LOGIN_SERVER_UNPROVEN',
    row(76, 'Somebody may stand in between: check the certificate with popkeep probe.'),
  ],
  ['LOGIN_CHALLENGE', row(76, '--auth chooses another mechanism; --trace shows the session.')],

  ['DEADLINE', row(1, 'The next run goes on from there.')],

  ['OAUTH_NEEDS_OWNER', row(77)],
  ['OAUTH_TEMPORARY', row(75, 'Nothing is lost; try again later.')],
  ['OAUTH_REFUSED', row(78, 'Check the [oauth] table in the config against the registration.')],
  ['OAUTH_POLICY', row(76)],

  ['NET_DNS', row(69, 'Check the host name and the network.')],
  ['NET_REFUSED', row(69, 'Check host and port.')],
  ['NET_TIMEOUT', row(69, 'What was stored stays; the next run goes on from there.')],
  ['NET_CLOSED', row(69, 'What was stored stays; the next run goes on from there.')],
  [
    'NET_TLS',
    row(76, 'The connection is not trusted, so no password was sent; see --tls-ca and --tls-pin.'),
  ],
  [
    'NET_NO_TLS',
    row(76, 'Nothing else was sent. For a port that begins TLS by STLS say pop:// or --tls stls.'),
  ],
  ['NET_POLICY', row(76)],
  ['NET_ARGUMENT', row(78)],
  ['NET_SYSTEM', row(74, OPEN_FILES_HINT)],

  [
    'ARCHIVE_LOCKED',
    row(75, 'Try again when that has ended; sync --wait and repair --wait wait for it.'),
  ],
  ['ARCHIVE_NOT_FOUND', row(64, 'Check the path; popkeep sync creates an archive.')],
  [
    'ARCHIVE_VANISHED',
    row(
      73,
      'Mount its disk, or put back a backup; where it was moved, change archive in the config, or --archive; sync --new-archive begins an empty one there, and retrieves all once more.',
    ),
  ],
  ['ARCHIVE_NAME', row(64)],
  [
    'ARCHIVE_FOREIGN',
    row(
      65,
      'Name an archive of popkeep; or, if this is one, its beginning is damaged: restore a backup.',
    ),
  ],
  ['ARCHIVE_NEWER', row(78, 'Use the newer popkeep that wrote it.')],
  ['ARCHIVE_DAMAGED', row(65, 'popkeep repair puts right what it can.')],
  ['ARCHIVE_CONTENT_MISSING', row(65, 'See popkeep verify for all that is missing.')],
  ['ARCHIVE_CREATE', row(73, 'Check the path and its permissions.')],
  ['ARCHIVE_FULL', row(74, 'Make room and run it again; what was stored stays.')],
  ['ARCHIVE_DENIED', row(74, 'Check whose it is and what its permissions allow.')],
  ['ARCHIVE_IO', row(74, 'Check the disk.')],

  ['SQLITE_UNAVAILABLE', row(78)],
  ['SQLITE_TOO_OLD', row(78)],

  ['CONFIG_SYNTAX', row(78)],
  ['CONFIG_KEY', row(78)],
  ['CONFIG_VALUE', row(78)],
  ['CONFIG_NOT_FOUND', row(78)],
  ['SECRET_UNAVAILABLE', row(78)],
])

const DEFECT = row(70, 'Please report it, with what you did.')

/** Codes of the table, for its test. */
export const ENDING_CODES: readonly string[] = [...ENDINGS.keys()]

/** How an error with this code ends; unknown codes are our own defects. */
export function endingOf(code: string | undefined): Ending {
  return (code === undefined ? undefined : ENDINGS.get(code)) ?? DEFECT
}

/** Which cause to name where accounts failed for different ones: what only a person can mend comes first. */
const GRAVEST_FIRST = [77, 78, 76, 74, 73, 69, 75, 65, 64, 70]

/**
 * One exit code for several accounts: all alike, that one; anything finished (0, or 1 for in part), 1; else the
 * gravest of the causes.
 */
export function aggregate(exits: readonly number[]): number {
  const [first = 0] = exits
  if (exits.every((exit) => exit === first)) return first
  if (exits.some((exit) => exit === 0 || exit === 1)) return 1
  return GRAVEST_FIRST.find((exit) => exits.includes(exit)) ?? 70
}

/** How a run that the catalog remembers by this code ended, and what to do next. */
export function outcomeText(code: string): string {
  if (code === 'INTERRUPTED') return 'interrupted; what was stored stays.'
  if (code === 'DEADLINE') return 'its deadline ended it. The next run goes on from there.'
  const { exit, advice } = endingOf(code)
  return `${EXIT_STATUS.get(exit)}${advice === '' ? '' : `. ${advice.replace(/\.$/, '')}`}.`
}

/** What the help of each command says of them. */
export const EXIT_STATUS_HINT = '\nExit status: see popkeep help exit-codes'

/** The exit codes, a line each. */
export function exitStatusTable(): string {
  const rows = [...EXIT_STATUS].map(([exit, meaning]) => `${String(exit).padStart(3)}  ${meaning}`)
  return `${rows.join('\n')}\n`
}

/** The exit codes in the program's help: one paragraph, lines of at most `width` columns. */
export function exitStatusHelp(width: number): string {
  const entries = [...EXIT_STATUS].map(([exit, meaning]) => `${exit} ${meaning}`)
  const lines = ['']
  for (const word of `Exit status: ${entries.join('; ')}.`.split(' ')) {
    const last = lines.at(-1) ?? ''
    if (last === '') lines[lines.length - 1] = word
    else if (last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(`  ${word}`)
  }
  return `\n${lines.join('\n')}`
}
