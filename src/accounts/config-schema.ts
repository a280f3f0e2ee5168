/** What a config file may say (docs/operations.md explains each key to its reader). */
import { isIPv6 } from 'node:net'

import * as v from 'valibot'

import { MECHANISMS, PIN_FORM, parseMechanism, parsePin, TLS_MODES } from './account.ts'
import { UsageError } from './errors.ts'
import { parseHostPort } from './host-port.ts'
import { OAUTH_FLOWS } from './oauth-provider.ts'
import { parseProxyUrl } from './proxy-url.ts'
import { parseDuration, parseOctets, parseTimeSpan } from './quantities.ts'

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

/** The reasons why an address is none are those of parseProxyUrl. */
const proxy = v.pipe(
  v.string('is the address of a proxy, in quotes'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return parseProxyUrl(dataset.value)
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      addIssue({ message: `is wrong: ${error.message}` })
      return NEVER
    }
  }),
)

const HOST = 'is the name or address of a server'

/** Brackets around an IPv6 address are taken off. */
const host = v.pipe(
  v.string(`${HOST}, in quotes`),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const { value } = dataset
    if (isIPv6(value)) return value
    const found = parseHostPort(value)
    if (typeof found !== 'string' && found.port === undefined) return found.host
    const isName = typeof found !== 'string' || found === 'port'
    addIssue({ message: isName ? `${HOST} alone; its port is a key of its own: port = 995` : HOST })
    return NEVER
  }),
)

const accountSchema = v.object({
  host,
  port: v.optional(
    v.pipe(count('a number from 1 to 65535'), v.maxValue(65_535, 'is a number from 1 to 65535')),
  ),
  tls: v.optional(v.picklist(TLS_MODES, 'is "implicit", "stls" or "none"')),
  tls_ca: v.optional(text('the path of a PEM file')),
  tls_pin: v.optional(parsed(parsePin, PIN_FORM)),
  tls_certificate: v.optional(text('the path of a PEM file')),
  tls_key: v.optional(text('the path of a PEM file')),
  proxy: v.optional(proxy),
  user: text('the name to log in with'),
  auth: v.optional(parsed(parseMechanism, `is one of ${MECHANISMS.join(', ')}`)),
  password_command: v.optional(command),
  password_file: v.optional(text('the path of a file')),
  keyring: v.optional(flag),
  token_command: v.optional(command),
  oauth: v.optional(
    text('the name of a provider: "google", "microsoft" or that of a table [oauth.NAME]'),
  ),
  delete: v.optional(flag),
  delete_after: v.optional(
    parsed(parseDuration, 'is a duration with its unit: "12h", "30d", "2w" or "1y"'),
  ),
  delete_older: v.optional(
    parsed(parseDuration, 'is a duration with its unit: "12h", "30d", "2w" or "1y"'),
  ),
  delete_removed: v.optional(flag),
  delete_short: v.optional(flag),
  keep_latest: v.optional(count('a whole number from 1 up')),
  max_messages: v.optional(count('a whole number from 1 up')),
  limit_octets: v.optional(v.union([count(OCTETS), parsed(parseOctets, OCTETS)], OCTETS)),
  quit: v.optional(flag),
  archive: v.optional(text('sqlite:PATH or maildir:PATH')),
})

const endpoint = text('a URL')

const oauthSchema = v.object({
  client_id: v.optional(text('the id that the provider gave your client')),
  client_secret: v.optional(text('what the provider gave your client besides its id')),
  tenant: v.optional(text('the tenant of an organisation')),
  authorization_endpoint: v.optional(endpoint),
  token_endpoint: v.optional(endpoint),
  device_authorization_endpoint: v.optional(endpoint),
  issuer: v.optional(endpoint),
  scope: v.optional(text('what the provider calls access by POP3')),
  flow: v.optional(v.picklist(OAUTH_FLOWS, `is one of ${OAUTH_FLOWS.join(', ')}`)),
})

/** One account as the file has it. */
export type AccountTable = v.InferOutput<typeof accountSchema>

export const configSchema = v.object({
  archive: v.optional(text('sqlite:PATH or maildir:PATH')),
  jobs: v.optional(count('a whole number from 1 up')),
  jobs_per_host: v.optional(count('a whole number from 1 up')),
  deadline: v.optional(parsed(parseTimeSpan, 'is a time with its unit: "90s", "30m" or "2h"')),
  proxy: v.optional(proxy),
  oauth: v.optional(
    v.record(
      v.pipe(v.string(), v.check(isLine, 'has a name without control characters')),
      oauthSchema,
      'holds a table for each provider: [oauth.NAME]',
    ),
  ),
  accounts: v.optional(
    v.record(
      v.pipe(
        v.string(),
        v.check(isLine, 'has a name without control characters'),
        v.check((name) => !name.startsWith('-'), 'would be taken for an option: name it otherwise'),
      ),
      accountSchema,
      'holds a table for each account: [accounts.NAME]',
    ),
  ),
})

/** The tables of a config file that is right. */
export type ConfigTables = v.InferOutput<typeof configSchema>

export const ROOT_KEYS: readonly string[] = Object.keys(configSchema.entries)

export const ACCOUNT_KEYS: readonly string[] = Object.keys(accountSchema.entries)

export const OAUTH_KEYS: readonly string[] = Object.keys(oauthSchema.entries)

function isCommand(words: string[]): boolean {
  return words.length > 0 && words[0] !== '' && !words.some((word) => word.includes('\0'))
}

function isLine(value: string): boolean {
  return value !== '' && !/[\0-\x1f\x7f]/.test(value)
}
