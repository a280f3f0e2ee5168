/** Keys of a config file that nobody knows. */
import { type ConfigFault, valueFault } from './config-fault.ts'
import { ACCOUNT_KEYS, type ConfigTables, OAUTH_KEYS, ROOT_KEYS } from './config-schema.ts'
import { nearestWord } from './nearest-word.ts'
import type { KeyPath } from './toml-lines.ts'

// Keys that people will try. A provider's client_secret is none: installed programs cannot keep it, and it proves nobody.
const PASSWORD_KEYS = new Set(['password', 'pass', 'passwd', 'secret'])
const TOKEN_KEYS = new Set(['token', 'access_token', 'refresh_token'])

// Tables of named tables, with the keys that those have.
const COLLECTIONS = [
  { collection: 'accounts', kind: 'account', keys: ACCOUNT_KEYS },
  { collection: 'oauth', kind: 'provider', keys: OAUTH_KEYS },
] as const

/** The library reports one a table. */
export function unknownKeys(tables: object): ConfigFault[] {
  const faults = Object.keys(tables)
    .filter((key) => !ROOT_KEYS.includes(key))
    .map((key) => unknownKey([key], key, ROOT_KEYS))
  for (const { collection, keys } of COLLECTIONS) {
    for (const [name, table] of entries(Reflect.get(tables, collection))) {
      for (const [key] of entries(table)) {
        if (!keys.includes(key)) faults.push(unknownKey([collection, name, key], key, keys))
      }
    }
  }
  return faults
}

/**
 * Names that no table can have: those that mean something else in a JavaScript object, and whatever the library left out
 * of `taken` without a word. An account that is not synced must be named.
 */
export function lostNames(tables: object, taken: ConfigTables | undefined): ConfigFault[] {
  return COLLECTIONS.flatMap(({ collection, kind }) =>
    entries(Reflect.get(tables, collection))
      .filter(([name]) => isReserved(name) || (taken && !hasTable(taken[collection], name)))
      .map(([name]) => valueFault([collection, name], `no ${kind} can be called "${name}"`)),
  )
}

function isReserved(name: string): boolean {
  return name in Object.prototype || name === 'prototype'
}

function hasTable(tables: object | undefined, name: string): boolean {
  return tables !== undefined && Object.hasOwn(tables, name)
}

function entries(table: unknown): [string, unknown][] {
  const isTable = typeof table === 'object' && table !== null && !Array.isArray(table)
  return isTable ? Object.entries(table) : []
}

function unknownKey(path: KeyPath, key: string, keys: readonly string[]): ConfigFault {
  return { code: 'CONFIG_KEY', path, text: refusalOf(key) ?? adviceFor(key, keys) }
}

function refusalOf(key: string): string | undefined {
  if (PASSWORD_KEYS.has(key)) {
    return `"${key}" is refused, since a config file holds no passwords; use password_command, password_file or keyring`
  }
  if (TOKEN_KEYS.has(key)) {
    return `"${key}" is refused, since a config file holds no tokens; use oauth or token_command`
  }
  return undefined
}

function adviceFor(key: string, keys: readonly string[]): string {
  const nearest = nearestWord(key, keys)
  const home = COLLECTIONS.find((one) => one.keys !== keys && one.keys.includes(key))
  const advice =
    nearest !== undefined
      ? `did you mean "${nearest}"?`
      : home !== undefined
        ? `it belongs to ${home.kind === 'account' ? 'an account' : 'a provider'}: [${home.collection}.NAME]`
        : `the keys here are ${keys.join(', ')}`
  return `unknown key ${JSON.stringify(key)}; ${advice}`
}
