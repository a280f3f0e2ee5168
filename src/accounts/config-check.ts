/** Turns what a config file says wrong into sentences with file and line. */
import * as v from 'valibot'

import { STLS_ADVICE } from './account.ts'
import { ACCOUNT_KEYS, type AccountTable, configSchema, ROOT_KEYS } from './config-schema.ts'
import { ConfigError, type ConfigErrorCode, formatPlace } from './errors.ts'
import { nearestWord } from './nearest-word.ts'
import { type KeyPath, keyLines, lineOfKey } from './toml-lines.ts'

/** The tables of a config file that is right. */
export type ConfigTables = v.InferOutput<typeof configSchema>

interface Fault {
  readonly code: ConfigErrorCode
  readonly path: KeyPath
  readonly text: string
}

// Keys that people will try, each with what to do instead.
const PASSWORD_KEYS = new Set(['password', 'pass', 'passwd', 'secret', 'token'])
const LATER_KEYS = new Set(['keyring', 'oauth', 'token_command'])

/**
 * Checks the tables of a document. `text` is the document they came from, for the lines.
 *
 * Throws ConfigError for all faults at once, one a line in the order of the file; code and line are those of the first.
 */
export function checkConfig(
  tables: object,
  text: string,
  file: string,
  archiveFault: (archive: string) => string | undefined,
): ConfigTables {
  const result = v.safeParse(configSchema, tables)
  const faults = [
    ...unknownKeys(tables),
    ...(result.success
      ? [...conflicts(result.output), ...archiveFaults(result.output, archiveFault)]
      : result.issues.map(faultOf)),
  ]
  if (result.success && faults.length === 0) return result.output
  const lines = keyLines(text)
  const placed = faults
    .map((fault) => ({ ...fault, line: lineOfKey(lines, fault.path) }))
    .sort((a, b) => (a.line ?? 0) - (b.line ?? 0))
  const message = placed
    .map((fault) => `${formatPlace({ file, line: fault.line })}: ${fault.text}`)
    .join('\n')
  const [first] = placed
  throw new ConfigError(first?.code ?? 'CONFIG_VALUE', message, { file, line: first?.line })
}

function faultOf(issue: v.BaseIssue<unknown>): Fault {
  const path = (issue.path ?? []).map(({ key }) => key as string | number)
  const key = String(path.at(-1))
  const fault = (text: string): Fault => ({ code: 'CONFIG_VALUE', path, text })
  if (issue.message === STLS_ADVICE) return fault(STLS_ADVICE)
  // Objects have no message of ours: a key is missing, or no table is there.
  if (issue.type !== 'object') return fault(`"${key}" ${issue.message}`)
  return issue.received === 'undefined'
    ? fault(`account "${path[1]}" has no "${key}"`)
    : fault(`"${key}" is a table of keys: host, user ...`)
}

/** The library reports one a table, and leaves out names such as `__proto__` without a word. */
function unknownKeys(tables: object): Fault[] {
  const faults = Object.keys(tables)
    .filter((key) => !ROOT_KEYS.includes(key))
    .map((key) => unknownKey([key], key, false))
  for (const [name, account] of entries(Reflect.get(tables, 'accounts'))) {
    const path = ['accounts', name]
    if (name in Object.prototype) {
      faults.push({ code: 'CONFIG_VALUE', path, text: `no account can be called "${name}"` })
    }
    for (const [key] of entries(account)) {
      if (!ACCOUNT_KEYS.includes(key)) faults.push(unknownKey([...path, key], key, true))
    }
  }
  return faults
}

function entries(table: unknown): [string, unknown][] {
  const isTable = typeof table === 'object' && table !== null && !Array.isArray(table)
  return isTable ? Object.entries(table) : []
}

function unknownKey(path: KeyPath, key: string, isAccount: boolean): Fault {
  const instead = 'use password_command or password_file'
  if (PASSWORD_KEYS.has(key)) {
    const text = `"${key}" is refused, since a config file holds no passwords; ${instead}`
    return { code: 'CONFIG_KEY', path, text }
  }
  if (LATER_KEYS.has(key)) {
    const text = `"${key}" is not supported yet by this version; ${instead}`
    return { code: 'CONFIG_VALUE', path, text }
  }
  const keys = isAccount ? ACCOUNT_KEYS : ROOT_KEYS
  const nearest = nearestWord(key, keys)
  const advice =
    nearest !== undefined
      ? `did you mean "${nearest}"?`
      : !isAccount && ACCOUNT_KEYS.includes(key)
        ? 'it belongs to an account: [accounts.NAME]'
        : `the keys here are ${keys.join(', ')}`
  return { code: 'CONFIG_KEY', path, text: `unknown key ${JSON.stringify(key)}; ${advice}` }
}

/** What each key may say alone, but not together. */
function conflicts(tables: ConfigTables): Fault[] {
  return Object.entries(tables.accounts ?? {}).flatMap(
    ([name, account]: [string, AccountTable]) => {
      const fault = (key: string, text: string): Fault => ({
        code: 'CONFIG_VALUE',
        path: ['accounts', name, key],
        text,
      })
      const faults: Fault[] = []
      if (account.password_command !== undefined && account.password_file !== undefined) {
        faults.push(fault('password_file', 'password_file and password_command exclude each other'))
      }
      if (account.delete !== undefined && account.delete_after !== undefined) {
        faults.push(
          fault(
            'delete_after',
            'delete and delete_after exclude each other: delete_after says all',
          ),
        )
      }
      return faults
    },
  )
}

/** Names of archives that name none. */
function archiveFaults(
  tables: ConfigTables,
  archiveFault: (archive: string) => string | undefined,
): Fault[] {
  const named: [KeyPath, string | undefined][] = [
    [['archive'], tables.archive],
    ...Object.entries(tables.accounts ?? {}).map(
      ([name, { archive }]: [string, AccountTable]): [KeyPath, string | undefined] => [
        ['accounts', name, 'archive'],
        archive,
      ],
    ),
  ]
  return named.flatMap(([path, archive]) => {
    const text = archive === undefined ? undefined : archiveFault(archive)
    return text === undefined ? [] : [{ code: 'CONFIG_VALUE' as const, path, text }]
  })
}
