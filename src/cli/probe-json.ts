/** The object that `probe --json` prints. docs/operations.md has its keys. */
import type { Account } from '../accounts/account.ts'
import type { MailProvider } from '../accounts/mail-provider.ts'
import type { CapabilityAnswer, ServerReport } from '../client/probe.ts'
import type { MaildropReport, Trial } from '../client/probe-maildrop.ts'
import { LoginError } from '../client/refusal.ts'
import type { TlsFacts } from '../net/certificate.ts'
import { completeCapabilities } from '../pop3/capabilities.ts'
import { describeFailure } from './failure.ts'
import { jsonWord } from './json-word.ts'
import { listedBy, loginDelayOf, retentionOf } from './probe-policies.ts'
import { jsonLine } from './safe.ts'

/** All that was learned; undefined is what was not reached. */
export interface Findings {
  readonly account: Account
  readonly provider: MailProvider | undefined
  readonly server?: ServerReport
  readonly maildrop?: MaildropReport
}

/** On one line. What was not learned is null. */
export function probeJson(findings: Findings, failure: unknown): string {
  const { account, provider, server, maildrop } = findings
  const { host, port, user, tls } = account
  const peer = server?.peer
  return jsonLine({
    server: { host, port, user, tls },
    provider: provider ? { name: provider.name, hint: provider.hint ?? null } : null,
    peer: peer ? { address: peer.address, port: peer.port, proxied: peer.proxied } : null,
    tls: peer?.tls ? tlsRecord(peer.tls, server) : null,
    greeting: server?.greeting ?? null,
    capabilities: {
      before: linesOf(server?.capabilities),
      after: linesOf(maildrop?.capabilities),
    },
    ...policies(server, maildrop),
    mechanisms: mechanismRecords(server),
    login: loginRecord(maildrop),
    maildrop: maildropRecord(maildrop),
    uidl: uidlRecord(maildrop),
    top: topRecord(maildrop),
    pipelining: maildrop?.pipelining ? trialRecord(maildrop.pipelining) : null,
    error: errorRecord(failure),
  })
}

function tlsRecord({ version, cipher, chain, isPinned }: TlsFacts, server?: ServerReport): object {
  const problem = server?.certificateProblem
  return {
    version,
    cipher,
    trusted: problem === undefined,
    problem: problem?.message ?? null,
    pinned: isPinned,
    chain: chain.map(({ isSelfSigned, ...facts }) => ({ ...facts, selfSigned: isSelfSigned })),
  }
}

function linesOf(answer: CapabilityAnswer | undefined): readonly string[] | null {
  return answer?.answer === 'listed' ? answer.capabilities.lines : null
}

function policies(server: ServerReport | undefined, maildrop: MaildropReport | undefined): object {
  const before = listedBy(server?.capabilities)
  const announced = completeCapabilities(listedBy(maildrop?.capabilities), before)
  return {
    implementation: announced.has('IMPLEMENTATION')
      ? announced.args('IMPLEMENTATION').join(' ')
      : null,
    loginDelay: loginDelayOf(announced)?.seconds ?? null,
    expire: retentionOf(announced)?.days ?? null,
  }
}

function mechanismRecords(server: ServerReport | undefined): readonly object[] | null {
  const records = server?.mechanisms?.map(({ name, isOffered, place, reason }) => ({
    name,
    offered: isOffered,
    place: place ?? null,
    reason: reason ?? null,
  }))
  return records ?? null
}

function loginRecord(maildrop: MaildropReport | undefined): object | null {
  if (!maildrop) return null
  const { mechanism, failure } = maildrop
  if (mechanism !== undefined) return { result: 'accepted', mechanism }
  if (!(failure instanceof LoginError)) return { result: 'failed', mechanism: null }
  return { result: 'refused', mechanism: failure.mechanism ?? null }
}

function maildropRecord({ drop, sizes }: MaildropReport = {}): object | null {
  if (!drop) return null
  return {
    messages: drop.messages,
    octets: drop.octets ?? null,
    listed: sizes
      ? {
          messages: sizes.messages,
          octets: sizes.octets,
          smallest: sizes.smallest ?? null,
          largest: sizes.largest ?? null,
          unsized: sizes.unsized,
        }
      : null,
  }
}

function trialRecord({ isAnnounced, result, words }: Trial): object {
  return { announced: isAnnounced, result: jsonWord(result), words: words ?? null }
}

function uidlRecord({ uidl }: MaildropReport = {}): object | null {
  if (!uidl) return null
  const { messages, distinct, missing } = uidl
  return { ...trialRecord(uidl), messages, distinct, missing }
}

function topRecord({ top }: MaildropReport = {}): object | null {
  if (!top) return null
  const { octets = null, listedOctets = null } = top
  return { ...trialRecord(top), octets, listedOctets }
}

function errorRecord(failure: unknown): object | null {
  if (failure === undefined) return null
  const { code, exit, sentence } = describeFailure(failure)
  return { code, exit, message: sentence }
}
