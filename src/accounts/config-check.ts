/** Turns what a config file says wrong into sentences with file and line. */
import * as v from 'valibot'

import { conflicts } from './config-conflicts.ts'
import { type ConfigFault, valueFault } from './config-fault.ts'
import { lostNames, unknownKeys } from './config-keys.ts'
import { type AccountTable, type ConfigTables, configSchema } from './config-schema.ts'
import { ConfigError, formatPlace } from './errors.ts'
import { type KeyPath, keyLines, lineOfKey } from './toml-lines.ts'

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
    ...lostNames(tables, result.success ? result.output : undefined),
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

function faultOf(issue: v.BaseIssue<unknown>): ConfigFault {
  const path = (issue.path ?? []).map(({ key }) => key as string | number)
  const key = String(path.at(-1))
  // Objects have no message of ours: a key is missing, or no table is there.
  if (issue.type !== 'object') return valueFault(path, `"${key}" ${issue.message}`)
  if (issue.received === 'undefined') {
    return valueFault(path, `account "${path[1]}" has no "${key}"`)
  }
  const keys = path[0] === 'oauth' ? 'client_id, scope' : 'host, user'
  return valueFault(path, `"${key}" is a table of keys: ${keys} ...`)
}

/** Names of archives that name none. */
function archiveFaults(
  tables: ConfigTables,
  archiveFault: (archive: string) => string | undefined,
): ConfigFault[] {
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
    return text === undefined ? [] : [valueFault(path, text)]
  })
}
