/** The text of a config file with an account more. Text is only added: no comment, order or blank of it changes. */
import { isDeepStrictEqual } from 'node:util'

import { parse, stringify } from 'smol-toml'

import { type ArchiveFault, parseConfig } from './config.ts'
import { ConfigError, formatPlace, UsageError } from './errors.ts'
import { keyLines, lineOfKey } from './toml-lines.ts'

/** A table as the file has it: keys and values of TOML, in the order in which they shall stand. */
export type TableText = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** What is to be added. */
export interface ConfigAddition {
  readonly name: string
  readonly account: TableText
  /** The common archive; it is written only into a file that says nothing else yet. */
  readonly archive?: string | undefined
  /** A table [oauth.NAME]; one that is there already stays as it is. */
  readonly oauth?: { readonly name: string; readonly table: TableText } | undefined
}

/** Whose file it is, for what parseConfig wants to know. */
export interface ConfigSurroundings {
  readonly file: string
  readonly home: string
  readonly archiveFault?: ArchiveFault | undefined
}

/**
 * The lines that an addition adds to `text`, for people to read: as additionText has them, but for the client secret, in
 * whose place a comment says what belongs there.
 */
export function shownAddition(text: string, addition: ConfigAddition): string {
  const { name, table } = addition.oauth ?? {}
  if (name === undefined || table?.client_secret === undefined) return additionText(text, addition)
  const { client_secret: _, ...shown } = table
  const lines = additionText(text, { ...addition, oauth: { name, table: shown } })
  const header = stringify({ oauth: { [name]: {} } }).trimEnd()
  return lines.replace(header, () => `${header}\n${SECRET_GAP}`)
}

const SECRET_GAP = '# client_secret is not shown; fill it in: client_secret = "..."'

/** The lines that an addition adds to `text`, with LF. They end with a line end. */
export function additionText(text: string, addition: ConfigAddition): string {
  const { name, account, archive, oauth } = addition
  const parts = [stringify({ accounts: { [name]: account } })]
  if (oauth && !hasOAuthTable(text, oauth.name)) {
    parts.unshift(stringify({ oauth: { [oauth.name]: oauth.table } }))
  }
  if (archive !== undefined && bare(text).trim() === '') parts.unshift(stringify({ archive }))
  return parts.map((part) => `${part.trimEnd()}\n`).join('\n')
}

/**
 * `text` with the addition at its end. The result is read again: the account must come back as it was given, and all else
 * as it was.
 *
 * Throws ConfigError: what parseConfig throws of `text`, with its line; CONFIG_VALUE if there is such an account already,
 * or if the file has its accounts in a form to which none can be added. Throws UsageError if the addition itself is wrong:
 * no line of the file is to blame for that.
 */
export function withAddition(
  text: string,
  addition: ConfigAddition,
  { file, home, archiveFault }: ConfigSurroundings,
): string {
  parseConfig(text, file, home, archiveFault)
  const before = parse(bare(text))
  if (tableAt(before, 'accounts', addition.name) !== undefined) {
    const line = lineOfKey(keyLines(bare(text)), ['accounts', addition.name])
    const message = `${formatPlace({ file, line })}: there is an account called ${addition.name} already`
    throw new ConfigError('CONFIG_VALUE', message, { file, line })
  }
  const added = additionText(text, addition)
  const after = joined(text, added)
  try {
    parse(bare(after))
  } catch (cause) {
    // Inline tables: accounts = { ... } cannot be continued.
    const message = `${file}: nothing can be added below its "accounts"; add this by hand:\n\n${shownAddition(text, addition).trimEnd()}`
    throw new ConfigError('CONFIG_VALUE', message, { file }, { cause })
  }
  try {
    parseConfig(after, file, home, archiveFault)
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    throw new UsageError(withoutPlaces(cause), { cause })
  }
  requireOnlyAdded(before, parse(bare(after)), addition)
  return after
}

/** Whether a document has a table [oauth.NAME]. Throws what the parser throws. */
export function hasOAuthTable(text: string, name: string): boolean {
  return tableAt(parse(bare(text)), 'oauth', name) !== undefined
}

/** The faults of a config file without its name and lines, which nobody has seen yet. */
function withoutPlaces({ message, file }: ConfigError): string {
  return message
    .split('\n')
    .map((line) => (line.startsWith(`${file}:`) ? line.slice(file.length) : line))
    .map((line) => line.replace(/^:(?:\d+:)? /, ''))
    .join('; ')
}

function joined(text: string, added: string): string {
  const lineEnd = /\r\n/.test(text) ? '\r\n' : '\n'
  const isEmpty = bare(text) === ''
  const gap = isEmpty ? '' : text.endsWith('\n') ? lineEnd : lineEnd + lineEnd
  return text + gap + added.replaceAll('\n', lineEnd)
}

/** Editors on Windows begin a file with a byte order mark. */
function bare(text: string): string {
  return text.replace(/^\ufeff/, '')
}

type Tables = Record<string, unknown>

/** A defect of ours if it fails; nothing is written then. */
function requireOnlyAdded(before: Tables, after: Tables, addition: ConfigAddition): void {
  const { name, account, oauth } = addition
  const isThere = isDeepStrictEqual(
    { ...(tableAt(after, 'accounts', name) as object | undefined) },
    { ...account },
  )
  remove(after, 'accounts', name)
  if (oauth && tableAt(before, 'oauth', oauth.name) === undefined) {
    remove(after, 'oauth', oauth.name)
  }
  if (before.archive === undefined) delete after.archive
  const isSame = isDeepStrictEqual(withoutEmpty(before), withoutEmpty(after))
  if (!isThere || !isSame) throw new Error('the config file would not read back as it was written')
}

function tableAt(tables: Tables, collection: string, name: string): unknown {
  const collected = tables[collection]
  const isCollection = typeof collected === 'object' && collected !== null
  return isCollection && Object.hasOwn(collected, name) ? (collected as Tables)[name] : undefined
}

function remove(tables: Tables, collection: string, name: string): void {
  const collected = tables[collection]
  if (typeof collected === 'object' && collected !== null) delete (collected as Tables)[name]
}

/** A collection that the first addition made is empty once that is taken out again. */
function withoutEmpty(tables: Tables): Tables {
  const isFilled = ([, value]: [string, unknown]): boolean =>
    !(typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(tables).filter(isFilled))
}
