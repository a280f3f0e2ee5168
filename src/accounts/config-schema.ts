/** What a config file may say (docs/operations.md explains each key to its reader). */
import * as v from 'valibot'

import { PIN_FORM, parseMechanism, parsePin, STLS_ADVICE, TLS_MODES } from './account.ts'
import { parseDuration, parseOctets } from './quantities.ts'

const text = (what: string) =>
  v.pipe(v.string(`is ${what}, in quotes`), v.check(isLine, `is ${what}`))
const flag = v.boolean('is true or false')
const count = (what: string) =>
  v.pipe(v.number(`is ${what}`), v.safeInteger(`is ${what}`), v.minValue(1, `is ${what}`))

/** A string that `parse` understands. */
function parsed<T>(parse: (text: string) => T | undefined, message: string) {
  return v.pipe(
    v.string(message),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value)
      if (value !== undefined) return value
      addIssue({ message })
      return NEVER
    }),
  )
}

const COMMAND =
  'is a command: an array of its words (["pass", "show", "mail/work"]), or one string for the shell'

const command = v.union(
  [
    v.pipe(v.string(), v.check(isLine, COMMAND)),
    v.pipe(v.array(v.string()), v.check(isCommand, COMMAND)),
  ],
  COMMAND,
)

const OCTETS = 'is a number of octets from 1 up, or a string such as "500M" or "2G"'

const accountSchema = v.object({
  host: text('the name or address of a server'),
  port: v.optional(
    v.pipe(count('a number from 1 to 65535'), v.maxValue(65_535, 'is a number from 1 to 65535')),
  ),
  tls: v.optional(
    v.pipe(
      v.picklist(TLS_MODES, 'is "implicit" or "none"'),
      v.check((mode) => mode !== 'stls', STLS_ADVICE),
    ),
  ),
  tls_ca: v.optional(text('the path of a PEM file')),
  tls_pin: v.optional(parsed(parsePin, PIN_FORM)),
  user: text('the name to log in with'),
  auth: v.optional(parsed(parseMechanism, 'is the name of a mechanism, such as "PLAIN"')),
  password_command: v.optional(command),
  password_file: v.optional(text('the path of a file')),
  delete: v.optional(flag),
  delete_after: v.optional(
    parsed(parseDuration, 'is a duration with its unit: "12h", "30d", "2w" or "1y"'),
  ),
  delete_removed: v.optional(flag),
  max_messages: v.optional(count('a whole number from 1 up')),
  limit_octets: v.optional(v.union([count(OCTETS), parsed(parseOctets, OCTETS)], OCTETS)),
  archive: v.optional(text('sqlite:PATH or maildir:PATH')),
})

/** One account as the file has it. */
export type AccountTable = v.InferOutput<typeof accountSchema>

export const configSchema = v.object({
  archive: v.optional(text('sqlite:PATH or maildir:PATH')),
  jobs: v.optional(count('a whole number from 1 up')),
  accounts: v.optional(
    v.record(
      v.pipe(v.string(), v.check(isLine, 'has a name without control characters')),
      accountSchema,
      'holds a table for each account: [accounts.NAME]',
    ),
  ),
})

export const ROOT_KEYS: readonly string[] = Object.keys(configSchema.entries)

export const ACCOUNT_KEYS: readonly string[] = Object.keys(accountSchema.entries)

function isCommand(words: string[]): boolean {
  return words.length > 0 && words[0] !== '' && !words.some((word) => word.includes('\0'))
}

function isLine(value: string): boolean {
  return value !== '' && !/[\0-\x1f\x7f]/.test(value)
}
