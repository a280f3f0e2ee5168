/** What a probe learned, for people: in 80 columns, whatever the server said made safe. */
import type { Account, TlsMode } from '../accounts/account.ts'
import type { MailProvider } from '../accounts/mail-provider.ts'
import type { CapabilityAnswer, ServerReport } from '../client/probe.ts'
import type { MaildropReport, Sizes, TopTrial, Trial, UidlTrial } from '../client/probe-maildrop.ts'
import type { SurveyedMechanism } from '../client/probe-mechanisms.ts'
import { LoginError } from '../client/refusal.ts'
import type { Capabilities } from '../pop3/capabilities.ts'
import type { DropListing } from '../pop3/listing.ts'
import { counted, humanOctets } from './columns.ts'
import { listedBy, loginDelayOf, retentionOf } from './probe-policies.ts'
import { comparison, type Row, section, sections } from './probe-section.ts'
import { tlsSections } from './probe-tls-lines.ts'
import { quoted } from './safe.ts'

/** Lines of a capability list that are shown; `--json` has all. */
const LINES_SHOWN = 50

const PROTECTION: Readonly<Record<TlsMode, string>> = {
  implicit: 'TLS from the first octet',
  stls: 'TLS by STLS, before anything else',
  none: 'none: clear text, as asked for',
}

/** What is known before login. `now` in ms. */
export function serverText(
  account: Account,
  provider: MailProvider | undefined,
  report: ServerReport,
  now: number,
): string {
  const { greeting, capabilities, mechanisms } = report
  return sections(
    section('Server', [
      ['host', `${account.host}, port ${account.port}`],
      ['address', addressOf(report)],
      ['protection', PROTECTION[account.tls]],
      ['provider', provider?.name],
      ['hint', provider?.hint],
      ['greeting', greeting === undefined ? undefined : quoted(greeting)],
    ]),
    ...tlsSections(account, report, now),
    capabilities ? beforeLogin(account, capabilities) : '',
    mechanisms ? section('Mechanisms', mechanismRows(mechanisms)) : '',
  )
}

/** What the login led to; goes behind the text of the server. */
export function maildropText({ capabilities }: ServerReport, report: MaildropReport): string {
  const { drop, sizes, uidl, top, pipelining } = report
  const text = sections(
    section('Login', loginRows(report)),
    report.capabilities ? afterLogin(listedBy(capabilities), report.capabilities) : '',
    drop ? section('Maildrop', maildropRows(drop, sizes)) : '',
    section('In fact', [
      ['UIDL', uidl && uidlWords(uidl)],
      ['TOP', top && topWords(top)],
      ['PIPELINING', pipelining && pipeliningWords(pipelining)],
    ]),
  )
  return `\n${text}`
}

function addressOf({ peer }: ServerReport): string | undefined {
  if (!peer) return undefined
  if (peer.proxied) return `known to the proxy only, which is ${peer.address}, port ${peer.port}`
  return peer.address
}

function beforeLogin(account: Account, answer: CapabilityAnswer): string {
  const announced = listedBy(answer)
  const offersTls = account.tls === 'none' && announced.has('STLS')
  return section('Capabilities before login', [
    ...announcedRows(answer),
    ...policyRows(announced),
    ['note', offersTls ? 'the server offers STLS: --tls stls protects the password' : undefined],
  ])
}

/** Tags without arguments in one row, each of the others in its own. */
function announcedRows(answer: CapabilityAnswer): readonly Row[] {
  if (answer.answer !== 'listed') {
    const isClosed = answer.answer === 'closed'
    const words = isClosed ? 'unknown: the server ends the session at CAPA' : 'CAPA is refused'
    return [['announced', words]]
  }
  const { lines } = answer.capabilities
  const shown = lines.slice(0, LINES_SHOWN).map((line) => line.trim().split(/[ \t]+/))
  const bare = shown.filter(({ length }) => length === 1).map(([tag = '']) => tag)
  const more = lines.length - shown.length
  return [
    ['announced', bare.length > 0 || lines.length === 0 ? bare.join(', ') || 'nothing' : undefined],
    ...shown
      .filter(({ length }) => length > 1)
      .map(([tag = '', ...args]): Row => [tag, args.join(' ')]),
    ['and', more > 0 ? `${more} more; --json has all` : undefined],
  ]
}

function policyRows(announced: Capabilities): readonly Row[] {
  const delay = loginDelayOf(announced)
  const kept = retentionOf(announced)
  const byUser = (varies: boolean): string => (varies ? '; this user may have another value' : '')
  return [
    [
      'login delay',
      delay &&
        `${counted(delay.seconds, 'second')} between two logins${byUser(delay.variesByUser)}`,
    ],
    ['messages', kept && `${retentionWords(kept.days)}${byUser(kept.variesByUser)}`],
  ]
}

function retentionWords(days: number | 'never'): string {
  if (days === 'never') return 'are never deleted by the server (EXPIRE NEVER)'
  if (days === 0) return 'may be deleted by the server once they are retrieved (EXPIRE 0)'
  return `may be deleted by the server after ${counted(days, 'day')} (EXPIRE ${days})`
}

function mechanismRows(mechanisms: readonly SurveyedMechanism[]): readonly Row[] {
  const rows = mechanisms.map(
    ({ name, isOffered, place, reason }): Row => [name, placeWords(isOffered, place, reason)],
  )
  const isHopeless = mechanisms.every(({ place }) => place === undefined)
  return isHopeless ? [...rows, ['(none)', 'no way to log in that both sides have']] : rows
}

function placeWords(isOffered: boolean, place: number | undefined, reason = ''): string {
  if (place === undefined) return `not used: ${reason}`
  const words = place === 1 ? 'chosen' : 'in reserve'
  return isOffered ? words : `${words}, though not announced`
}

function loginRows({ mechanism, failure }: MaildropReport): readonly Row[] {
  if (mechanism !== undefined) return [['result', `accepted, by ${mechanism}`]]
  if (!(failure instanceof LoginError)) return [['result', 'it did not come to an answer']]
  const by = failure.mechanism === undefined ? '' : `, by ${failure.mechanism}`
  const said = failure.serverText
  return [
    ['result', `refused${by}`],
    ['server said', said === undefined ? undefined : quoted(said)],
  ]
}

/** What differs from the list before login, the two side by side. */
function afterLogin(before: Capabilities, answer: CapabilityAnswer): string {
  const title = 'Capabilities after login'
  if (answer.answer !== 'listed') return section(title, announcedRows(answer))
  const after = answer.capabilities
  const tags = [...new Set([...before.lines, ...after.lines].map(tagOf))]
  const rows = tags
    .map((tag) => [tag, announcedAs(before, tag), announcedAs(after, tag)] as const)
    .filter(([, then, now]) => then !== now)
  if (rows.length === 0) return section(title, [['announced', 'the same as before login']])
  return comparison('Capabilities that differ', ['before login', 'after login'], rows)
}

function tagOf(line: string): string {
  return (line.trim().split(/[ \t]/, 1)[0] ?? '').toUpperCase()
}

function announcedAs(announced: Capabilities, tag: string): string {
  if (!announced.has(tag)) return '-'
  return announced.args(tag).join(' ') || 'announced'
}

function maildropRows(drop: DropListing, sizes: Sizes | undefined): readonly Row[] {
  return [
    ['by STAT', `${counted(drop.messages, 'message')}, ${octets(drop.octets)}`],
    ['by LIST', sizes && `${counted(sizes.messages, 'message')}, ${octets(sizes.octets)}`],
    ['unsized', sizes && sizes.unsized > 0 ? counted(sizes.unsized, 'message') : undefined],
    ['smallest', sizes?.smallest === undefined ? undefined : octets(sizes.smallest)],
    ['largest', sizes?.largest === undefined ? undefined : octets(sizes.largest)],
    ['note', sizes && differenceOf(drop, sizes)],
  ]
}

function differenceOf(drop: DropListing, sizes: Sizes): string | undefined {
  if (drop.messages !== sizes.messages) return 'STAT and LIST differ in the number of messages'
  const isComparable = drop.octets !== undefined && sizes.unsized === 0
  return isComparable && drop.octets !== sizes.octets ? 'STAT and LIST differ in size' : undefined
}

function octets(count: number | undefined): string {
  if (count === undefined) return 'size unknown'
  const exactly = counted(count, 'octet')
  return count < 1000 ? exactly : `${exactly} (${humanOctets(count)})`
}

function uidlWords(uidl: UidlTrial): string {
  const { result, messages, distinct, missing } = uidl
  if (result !== 'works') return refusalWords(uidl)
  if (messages === 0 && missing === 0) return `works, but there is no message${unannounced(uidl)}`
  const parts = [counted(distinct, 'distinct unique-id')]
  if (distinct < messages) parts.push(`on ${counted(messages, 'message')}: some are not unique`)
  if (missing > 0) parts.push(`${counted(missing, 'message')} without`)
  return `works: ${parts.join(', ')}${unannounced(uidl)}`
}

function topWords(top: TopTrial): string {
  if (top.result !== 'works') return refusalWords(top)
  const of = top.listedOctets === undefined ? '' : ` of ${top.listedOctets.toLocaleString('en-US')}`
  const came = counted(top.octets ?? 0, 'octet')
  return `works: the header section of one message came, ${came}${of}${unannounced(top)}`
}

function pipeliningWords(pipelining: Trial): string {
  const { isAnnounced, result, words = '' } = pipelining
  if (!isAnnounced) return 'not announced after login, so not tried'
  if (result === 'works') return 'works: three commands in one write were answered in order'
  return `announced, but broken: ${words}. sync then sends one command at a time`
}

function refusalWords({ isAnnounced, result, words = '' }: Trial): string {
  if (result === 'not tried')
    return `${isAnnounced ? 'announced' : 'not announced'}; not tried: ${words}`
  return `refused${isAnnounced ? ', though announced' : ''}: ${quoted(words)}`
}

function unannounced({ isAnnounced }: Trial): string {
  return isAnnounced ? '' : ' (not announced)'
}
