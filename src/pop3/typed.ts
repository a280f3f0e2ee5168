/**
 * A command line that a person types: what its reply looks like, and what in it is secret. The line is sent as it was
 * typed, so that its keyword may be in any case, its arguments may be wrong, and it may be a command of this server only.
 */

/** What follows +OK: nothing, lines, or the octets of a message; `open` where nobody knows whether lines follow. */
export type ResponseShape = 'single' | 'lines' | 'body' | 'open'

const SINGLE: ReadonlySet<string> = new Set(
  'USER PASS APOP STLS UTF8 STAT DELE NOOP RSET LAST QUIT'.split(' '),
)

/** Reads it by keyword and arguments: LIST has lines, `LIST 1` has not (RFC 1939 section 5, RFC 6856 section 3.2). */
export function typedShape(line: string): ResponseShape {
  const [keyword, ...words] = wordsOf(line)
  if (keyword === 'RETR' || keyword === 'TOP') return 'body'
  if (keyword === 'CAPA') return 'lines'
  if (keyword === 'LIST' || keyword === 'UIDL' || keyword === 'LANG') {
    return words.length === 0 ? 'lines' : 'single'
  }
  if (SINGLE.has(keyword)) return 'single'
  // Alone it lists the mechanisms at Dovecot and Cyrus, which no RFC has.
  return keyword === 'AUTH' && words.length > 0 ? 'single' : 'open'
}

/** The first word in upper case; empty for an empty line. */
export function typedKeyword(line: string): string {
  return wordsOf(line)[0]
}

/** `AUTH` with a mechanism: the server may answer with challenges (RFC 5034 section 4). */
export function isTypedAuth(line: string): boolean {
  const [keyword, mechanism] = wordsOf(line)
  return keyword === 'AUTH' && mechanism !== undefined
}

const SECRETS: readonly RegExp[] = [
  // All that follows is the password, blanks included (RFC 1939 section 7).
  /^\s*PASS\s/i,
  /^\s*AUTH\s+\S+\s+/i,
  /^\s*APOP\s+\S+\s+/i,
]

/**
 * Index of the first character that nobody may read: behind `PASS `, behind the mechanism of AUTH, behind the user of
 * APOP. Undefined if the line, as far as it is typed, has no such place.
 */
export function secretStart(line: string): number | undefined {
  for (const before of SECRETS) {
    const found = before.exec(line)
    if (found) return found[0].length
  }
  return undefined
}

/** What nobody may read of the line; undefined if there is nothing. */
export function typedSecret(line: string): string | undefined {
  const start = secretStart(line)
  return start === undefined || start === line.length ? undefined : line.slice(start)
}

/** Whether the line lets someone log in who reads it, or begins what will. */
export function typedHoldsSecret(line: string): boolean {
  return typedSecret(line) !== undefined || isTypedAuth(line)
}

/** The line for traces: its secret masked, the rest as typed. */
export function redactTyped(line: string): string {
  const start = secretStart(line)
  return start === undefined || start === line.length ? line : `${line.slice(0, start)}***`
}

function wordsOf(line: string): readonly [string, ...string[]] {
  const [keyword = '', ...words] = line.trim().split(/\s+/)
  return [keyword.toUpperCase(), ...words]
}
