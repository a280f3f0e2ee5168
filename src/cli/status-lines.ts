import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import type { AccountStatus, ArchiveStatus, Quarantined } from '../archive/reader-status.ts'
import { nextTryAt } from '../sync/quarantine.ts'
import { counted, humanOctets } from './columns.ts'
import { jsonWord } from './json-word.ts'
import { localMinute } from './message-lines.ts'
import { jsonLine, quoted, safe } from './safe.ts'
import { runLines, runsRecord } from './status-runs.ts'

/** Refused messages are listed up to here; `--json` has more. */
const REFUSED_SHOWN = 5

const SHORT_ADVICE =
  'fewer octets than their server lists, and again so when retrieved once more; list marks them'

const WANTED_ADVICE = 'to be retrieved again by the next sync; verify names them until they came'

/** `unsynced`: accounts of the config that never came into this archive; undefined where no config was asked. */
export function statusJson(
  location: ArchiveLocation,
  status: ArchiveStatus,
  unsynced?: readonly string[] | undefined,
): string {
  const accounts = status.accounts.map(accountRecord)
  const neverSynced = unsynced ?? null
  return jsonLine({ archive: formatLocation(location), ...status, accounts, neverSynced })
}

/** An archive that no sync has made yet, with the keys of one that is there. */
export function unmadeJson(location: ArchiveLocation, neverSynced: readonly string[]): string {
  const none = { messages: 0, octets: 0, removed: 0, wanted: 0, short: 0, accounts: [] }
  const [archive, { kind }] = [formatLocation(location), location]
  return jsonLine({ archive, kind, createdAt: null, ...none, neverSynced })
}

export function unmadeText(location: ArchiveLocation, unsynced: readonly string[]): string {
  const lines = [safe(formatLocation(location)), '  not there yet', ...unsyncedLines(unsynced)]
  return `${lines.join('\n')}\n`
}

function unsyncedLines(names: readonly string[]): readonly string[] {
  return names.map((name) => `  ${safe(name)}: in the config, never synced`)
}

/** Every key is there each time; what is not known is null. */
function accountRecord(account: AccountStatus): object {
  const { name, host, user, messages, octets, states, quarantined } = account
  return {
    ...{ name, host, user, messages, octets },
    states: Object.fromEntries(
      Object.entries(states).map(([state, receipts]) => [jsonWord(state), receipts]),
    ),
    quarantined: quarantined.map((one) => ({
      ...one,
      uniqueId: one.uniqueId ?? null,
      nextTryAt: nextTryText(one) ?? null,
    })),
    ...runsRecord(account),
  }
}

/** The archive in a paragraph: what it holds, then some lines an account. `now`: ms since the epoch; `unsynced`: see `statusJson`. */
export function statusText(
  location: ArchiveLocation,
  status: ArchiveStatus,
  now: number,
  unsynced: readonly string[] = [],
): string {
  const { messages, octets, removed, wanted, short, accounts } = status
  const gone = removed > 0 ? `, and ${removed.toLocaleString('en-US')} removed by you` : ''
  const lines = [
    safe(formatLocation(location)),
    `  ${counted(messages, 'message')} (${humanOctets(octets)})${gone}, since ${localMinute(status.createdAt)}`,
    ...(wanted > 0 ? [`  ${counted(wanted, 'message')} lost or altered, ${WANTED_ADVICE}`] : []),
    ...(short > 0 ? [`  ${counted(short, 'message')} short: ${SHORT_ADVICE}`] : []),
    ...accounts.flatMap((account) => accountLines(account, now).map((line) => `  ${line}`)),
    ...unsyncedLines(unsynced),
  ]
  return `${lines.join('\n')}\n`
}

function accountLines(account: AccountStatus, now: number): readonly string[] {
  const { name, user, host, messages, octets, states, quarantined } = account
  const notes = [
    `${counted(messages, 'message')} (${humanOctets(octets)})`,
    ...(states.deleted > 0
      ? [`${states.deleted.toLocaleString('en-US')} deleted on the server`]
      : []),
    ...(states['delete sent'] > 0
      ? [`${states['delete sent'].toLocaleString('en-US')} to be confirmed as deleted`]
      : []),
  ]
  const refused = quarantined.slice(0, REFUSED_SHOWN).map(refusedText)
  const rest = states.quarantined - refused.length
  return [
    `${safe(name)}: ${notes.join(', ')}`,
    `  ${safe(user)} at ${safe(host)}`,
    ...runLines(account, now).map((line) => `  ${line}`),
    ...refused,
    ...(rest > 0 ? [`  and ${rest.toLocaleString('en-US')} more refused`] : []),
  ]
}

function refusedText(one: Quarantined): string {
  const { uniqueId, reason, attempts, isListed } = one
  const which = uniqueId === undefined ? 'without a unique-id' : safe(uniqueId)
  const at = nextTryText(one)
  const next = at === undefined ? 'tried again in each sync' : `next try ${localMinute(at)}`
  return `  refused ${counted(attempts, 'time')}: ${which}: ${quoted(reason)}; ${isListed ? next : 'no longer listed'}`
}

/** RFC 3339 UTC; undefined: with each sync. */
function nextTryText({ uniqueId, attempts, triedAt }: Quarantined): string | undefined {
  const lastAt = Date.parse(triedAt)
  const at = uniqueId === undefined ? undefined : nextTryAt({ attempts, lastAt })
  return at === undefined || Number.isNaN(at) ? undefined : new Date(at).toISOString()
}
