/**
 * Finds the POP server of a mail address: the built-in table, SRV records (RFC 6186), the mail exchangers of known
 * providers, then guesses. Nothing secret is known here. What does not come from the table is a proposal, since whoever
 * answers for the DNS can make it up: a person has to see it before a password goes there.
 */
import { isIP } from 'node:net'

import { DNS_MS, MAX_RECORDS, PROBE_MS } from './limits.ts'
import { hostName, isWithin, type MailAddress, parseMailAddress } from './mail-address.ts'
import type { MailProvider, PopServer } from './mail-provider.ts'
import { providerOfAddress, providerOfExchanger, providerOfHost, userAt } from './providers.ts'

/** As node:dns gives it. */
export interface SrvRecord {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

export interface MxRecord {
  readonly exchange: string
  readonly priority: number
}

/** How discovery reaches the world. All may throw; that means "nothing there". `signal` ends what takes too long. */
export interface DiscoveryPorts {
  resolveSrv(name: string, signal: AbortSignal): Promise<readonly SrvRecord[]>
  resolveMx(name: string, signal: AbortSignal): Promise<readonly MxRecord[]>
  /**
   * Whether a POP3 server answers there: TLS with a verified certificate for this host, then a greeting with +OK. Sends
   * nothing but STLS and QUIT.
   */
  probe(server: PopServer, signal: AbortSignal): Promise<boolean>
  /** At least 0 and below 1: chooses among SRV records of equal priority. */
  random(): number
}

/** Where a server was found. Only `table` needs nobody's consent. */
export type Origin = 'table' | 'srv' | 'mx' | 'guess'

export interface FoundServer {
  readonly server: PopServer
  /** What the address probably logs in as. */
  readonly user: string
  readonly origin: Origin
  /** What led there: a provider's name, the name of the SRV record, an exchanger, a host. Untrusted text. */
  readonly evidence: string
  /** The host is not within the address's domain, and not in the table for it (RFC 6186 section 6). */
  readonly isElsewhere: boolean
  readonly provider: MailProvider | undefined
}

export interface Discovery {
  readonly found: FoundServer | undefined
  /** Why there is no server to look for, in one sentence: the provider has no POP, or the domain declares so. */
  readonly refusal: string | undefined
  /** Targets of SRV records that cannot be servers. Untrusted text. */
  readonly ignored: readonly string[]
}

/** Throws the signal's reason only; what the network does wrong ends as "not found". Undefined if it is no address. */
export async function discoverServer(
  address: string,
  ports: DiscoveryPorts,
  signal: AbortSignal,
): Promise<Discovery | undefined> {
  const parsed = parseMailAddress(address)
  if (parsed === undefined) return undefined
  const known = providerOfAddress(address)
  if (known) return ofProvider(known, address, 'table', known.name, parsed)
  const search = { address, parsed, ports, signal }
  const announced = await announcedServer(search)
  if (announced.found ?? announced.refusal) return announced
  const byExchanger = await serverOfExchanger(search)
  const rest = byExchanger ?? { ...NOTHING, found: await guessedServer(search) }
  return { ...rest, ignored: announced.ignored }
}

interface Search {
  readonly address: string
  readonly parsed: MailAddress
  readonly ports: DiscoveryPorts
  readonly signal: AbortSignal
}

const NOTHING: Discovery = { found: undefined, refusal: undefined, ignored: [] }

/** RFC 6186 section 3.3: TLS from the first octet, and STLS; what is announced first and answers wins. */
async function announcedServer(search: Search): Promise<Discovery> {
  const { address, parsed, ports, signal } = search
  const ignored: string[] = []
  let isDeclined = false
  for (const { service, tls } of SERVICES) {
    const name = `${service}.${parsed.domain}`
    const records = await answer(DNS_MS, signal, (limit) => ports.resolveSrv(name, limit))
    for (const record of inOrder(records ?? [], ports.random).slice(0, MAX_RECORDS)) {
      // "." declares that there is no such service.
      if (record.name === '.' || record.name === '') {
        isDeclined = true
        continue
      }
      const server = serverOf(record, tls)
      if (server === undefined) {
        ignored.push(`${record.name}:${record.port}`)
      } else if (await answers(server, search)) {
        const found = foundAt(server, 'srv', name, address, parsed)
        return { found, refusal: undefined, ignored }
      }
    }
  }
  const refusal = `${parsed.domain} declares in the DNS that it has no POP`
  return { found: undefined, refusal: isDeclined ? refusal : undefined, ignored }
}

const SERVICES = [
  { service: '_pop3s._tcp', tls: 'implicit' },
  { service: '_pop3._tcp', tls: 'stls' },
] as const

function serverOf({ name, port }: SrvRecord, tls: PopServer['tls']): PopServer | undefined {
  const host = hostName(name)
  if (host === undefined || isIP(host) !== 0 || !host.includes('.')) return undefined
  return port >= 1 && port <= 65_535 ? { host, port, tls } : undefined
}

/** RFC 2782: the lowest priority first; within one, at random by weight. */
function inOrder(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  // The larger u^(1/w) is, the earlier: a weighted shuffle in one pass. Weight 0 hardly ever goes first.
  const drawn = records.map((record) => ({
    record,
    luck: random() ** (1 / Math.max(record.weight, 0.001)),
  }))
  return drawn
    .sort((a, b) => a.record.priority - b.record.priority || b.luck - a.luck)
    .map(({ record }) => record)
}

/** The server of the provider that takes the domain's mail; undefined if no exchanger is a known provider's. */
async function serverOfExchanger({ address, parsed, ports, signal }: Search) {
  const records = await answer(DNS_MS, signal, (limit) => ports.resolveMx(parsed.domain, limit))
  const exchangers = [...(records ?? [])]
    .sort((a, b) => a.priority - b.priority)
    .slice(0, MAX_RECORDS)
  for (const { exchange } of exchangers) {
    const provider = providerOfExchanger(exchange)
    if (provider) return ofProvider(provider, address, 'mx', exchange, parsed)
  }
  return undefined
}

/** The names that people give their servers. All of a port are asked at once, and the first by this order wins. */
async function guessedServer(search: Search): Promise<FoundServer | undefined> {
  const { address, parsed } = search
  const hosts = ['pop.', 'pop3.', 'mail.', ''].map((label) => label + parsed.domain)
  for (const way of [
    { port: 995, tls: 'implicit' },
    { port: 110, tls: 'stls' },
  ] as const) {
    const servers = hosts.map((host) => ({ host, ...way }))
    const results = await Promise.all(servers.map((server) => answers(server, search)))
    const server = servers.find((_server, index) => results[index])
    if (server) return foundAt(server, 'guess', server.host, address, parsed)
  }
  return undefined
}

async function answers(server: PopServer, { ports, signal }: Search): Promise<boolean> {
  return (await answer(PROBE_MS, signal, (limit) => ports.probe(server, limit))) === true
}

/** What `ask` answers within `ms`; undefined if it fails or takes longer. Throws the reason of `signal`. */
async function answer<T>(
  ms: number,
  signal: AbortSignal,
  ask: (limit: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  signal.throwIfAborted()
  const limit = new AbortController()
  let giveUp = (): void => undefined
  const isOver = new Promise<undefined>((resolve) => {
    giveUp = () => {
      limit.abort()
      resolve(undefined)
    }
  })
  const timer = setTimeout(giveUp, ms)
  signal.addEventListener('abort', giveUp)
  try {
    return await Promise.race([ask(limit.signal), isOver])
  } catch {
    // ENOTFOUND, a refused connection, a certificate for another name: each is an answer, namely no.
    return undefined
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', giveUp)
    signal.throwIfAborted()
  }
}

function ofProvider(
  provider: MailProvider,
  address: string,
  origin: 'table' | 'mx',
  evidence: string,
  { domain }: MailAddress,
): Discovery {
  const { server, hint } = provider
  if (server === undefined) return { ...NOTHING, refusal: hint }
  const isElsewhere = origin !== 'table' && !isWithin(server.host, domain)
  const user = userAt(provider, address)
  return { ...NOTHING, found: { server, user, origin, evidence, isElsewhere, provider } }
}

function foundAt(
  server: PopServer,
  origin: 'srv' | 'guess',
  evidence: string,
  address: string,
  { domain }: MailAddress,
): FoundServer {
  const isElsewhere = !isWithin(server.host, domain)
  const provider = providerOfHost(server.host)
  return { server, user: address, origin, evidence, isElsewhere, provider }
}
