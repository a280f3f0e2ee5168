/** The catalog's accounts: recognised by name, or by host, port and user where the owner renamed one. */
import type { Database, Row, Statement } from '../sqlite/database.ts'

/** Who an account is, as its owner wrote it. */
export interface AccountIdentity {
  readonly name: string
  readonly host: string
  /** Without: a standard one. */
  readonly port?: number | undefined
  readonly user: string
}

/** How a server's listed octets compare with those that come. */
export type SizeModel = 'exact' | '+2' | 'lf' | 'rounded' | 'estimate'

/** What is remembered of an account's server between runs. */
export interface ServerFacts {
  /** RFC 3339 UTC. */
  readonly pipeliningFailedAt?: string | undefined
  readonly lastMisled?: boolean | undefined
  readonly capabilities?: readonly string[] | undefined
  readonly showsParts?: boolean | undefined
  readonly loginDelaySeconds?: number | undefined
  /** RFC 3339 UTC. */
  readonly lastLoginAt?: string | undefined
  readonly isExpiryWarned?: boolean | undefined
  /** RFC 3339 UTC. */
  readonly renumberedAt?: string | undefined
  readonly sizeModel?: SizeModel | undefined
}

/** Where the catalog knows an account. */
export interface AccountPlace extends AccountIdentity {
  /** Undefined: a former popkeep did not write it down. 0: its maildrop is still to be recognised. */
  readonly port: number | undefined
}

/** Where an account stands now, and the catalog does not know it: at another host or for another user; or only at another port. */
export type Move = 'host' | 'port'

export interface Account extends AccountPlace {
  readonly id: number
  /** Receipts of former epochs belong to another maildrop that once stood under this name. */
  readonly epoch: number
  readonly facts: ServerFacts
}

/** POP3 over TLS, and POP3 in clear text or by STLS: a host serves one set of maildrops on both. */
const STANDARD_PORTS: readonly number[] = [995, 110]
const [STANDARD_PORT = 995] = STANDARD_PORTS

/** No server has it: an account under a new name whose maildrop is still to be recognised. */
export const UNDECIDED = 0

/** This machine: behind its ports are servers, or tunnels to servers that have nothing to do with each other. */
const LOOPBACK =
  /^(?:localhost\.?|.*\.localhost\.?|127(?:\.\d+){1,3}|\[?(?:::1|::ffff:127[.\d]+)\]?)$/i

const SIZE_MODELS: readonly SizeModel[] = ['exact', '+2', 'lf', 'rounded', 'estimate']

const FACT_COLUMNS = [
  ...['capabilities', 'pipelining_failed_at', 'last_misled', 'shows_parts', 'login_delay_s'],
  ...['last_login_at', 'expiry_warned', 'renumbered_at', 'size_model'],
]
const COLUMNS = ['id', 'name', 'host', 'user', 'epoch', ...FACT_COLUMNS].join(', ')

type KnownServer = AccountPlace & Pick<Account, 'facts'>

export class AccountTable {
  readonly #database: Database
  readonly #columns: string
  readonly #byName: Statement
  readonly #atServer: Statement

  /** Of a catalog whose version is older, only reading works. */
  constructor(database: Database) {
    this.#database = database
    this.#columns = `${COLUMNS}, ${hasPorts(database) ? 'port' : 'NULL AS port'}`
    this.#byName = database.prepare(`SELECT ${this.#columns} FROM account WHERE name = ?`)
    this.#atServer = database.prepare(
      `SELECT ${this.#columns} FROM account WHERE lower(host) = lower(?) AND user = ? ORDER BY id DESC`,
    )
  }

  find(name: string): Account | undefined {
    return accountOf(this.#byName.get(name))
  }

  /**
   * The account that this one was called before its owner renamed it: the latest with the same host, port and user whose
   * own name is not in use any more.
   */
  findRenamed(identity: AccountIdentity, configured: ReadonlySet<string>): Account | undefined {
    return this.#atServer
      .all(identity.host, identity.user)
      .map(accountOf)
      .find(
        (account) =>
          account !== undefined &&
          !configured.has(account.name) &&
          (account.port === UNDECIDED || isSamePort(account, identity)),
      )
  }

  insert({ name, host, port = STANDARD_PORT, user }: AccountIdentity): Account {
    const row = this.#database
      .prepare(
        `INSERT INTO account (name, host, port, user) VALUES (?, ?, ?, ?) RETURNING ${this.#columns}`,
      )
      .get(name, host, port, user)
    const account = accountOf(row)
    if (account === undefined) throw new Error('INSERT returned no account')
    return account
  }

  rename(account: Account, name: string): Account {
    const renamed = renamedTo(account, name)
    this.#database
      .prepare('UPDATE account SET name = ?, port = ? WHERE id = ?')
      .run(name, renamed.port ?? null, account.id)
    return renamed
  }

  /**
   * The account is there from now on, for that user; with a new epoch its receipts count no more. What was known of
   * the former server is forgotten (`factsAfterMove`).
   */
  move(account: Account, identity: AccountIdentity, epoch: number): Account {
    const { host, port = STANDARD_PORT, user } = identity
    this.#database
      .prepare('UPDATE account SET host = ?, port = ?, user = ?, epoch = ? WHERE id = ?')
      .run(host, port, user, epoch, account.id)
    const facts = this.#remember(account, factsAfterMove(account, identity))
    return { ...account, host, port, user, epoch, facts }
  }

  learn(account: Account, learned: Partial<ServerFacts>): Account {
    return { ...account, facts: this.#remember(account, { ...account.facts, ...learned }) }
  }

  /** Writes only if something differs: a steady run has nothing to learn. */
  #remember({ id, facts: former }: Account, facts: ServerFacts): ServerFacts {
    const before = columnsOf(former)
    const after = columnsOf(facts)
    if (after.some((value, index) => value !== before[index])) {
      const columns = FACT_COLUMNS.map((column) => `${column} = ?`).join(', ')
      this.#database.prepare(`UPDATE account SET ${columns} WHERE id = ?`).run(...after, id)
    }
    return facts
  }
}

/**
 * How the account's place differs from the one that the catalog knows, so that it may be another maildrop. Host names have no
 * case; the standard ports of a host that is not this machine are one; a port that was not written down may be any.
 */
export function moveOf(account: AccountPlace, identity: AccountIdentity): Move | undefined {
  const isElsewhere =
    account.host.toLowerCase() !== identity.host.toLowerCase() || account.user !== identity.user
  if (isElsewhere) return 'host'
  return isSamePort(account, identity) ? undefined : 'port'
}

/**
 * What is known of the server that the account is asked for at this place. Elsewhere, until the move is written: what was learned of
 * another server must neither keep a warning back nor excuse anything. A pause between logins stays, since it may be this server's:
 * whoever comes too soon, each time, never gets in. Behind another port there is the same server more often than not, so
 * what only makes a session slower, or asks for more, stays too.
 */
export function factsAt(account: KnownServer, identity: AccountIdentity): ServerFacts {
  const move = moveOf(account, identity)
  if (move === undefined) return account.facts
  const careful = carefulOf(account.facts)
  if (move === 'host') return careful
  const { pipeliningFailedAt, lastMisled } = account.facts
  return { ...careful, pipeliningFailedAt, lastMisled }
}

/** What is left of that once the move is written: at another host no pause either, which was the former server's, as far as anybody knows. */
export function factsAfterMove(account: KnownServer, identity: AccountIdentity): ServerFacts {
  if (moveOf(account, identity) !== 'host') return factsAt(account, identity)
  const { renumberedAt } = account.facts
  return { renumberedAt }
}

/**
 * What makes more careful at any server, and is written down at once where the account has moved; all else that is learned
 * there waits until the move is written.
 */
export function carefulOf(facts: Partial<ServerFacts>): Partial<ServerFacts> {
  const { loginDelaySeconds, lastLoginAt, renumberedAt } = facts
  return {
    ...(loginDelaySeconds === undefined ? {} : { loginDelaySeconds }),
    ...(lastLoginAt === undefined ? {} : { lastLoginAt }),
    ...(renumberedAt === undefined ? {} : { renumberedAt }),
  }
}

/** The account under another name. Where a port may lead anywhere, a name that nobody knows may mean another maildrop. */
export function renamedTo(account: Account, name: string): Account {
  const { host, port } = account
  const isCertain = port !== undefined && isStandard(host, port)
  return { ...account, name, port: isCertain ? port : UNDECIDED }
}

function isSamePort(
  { port: known }: AccountPlace,
  { host, port = STANDARD_PORT }: AccountIdentity,
): boolean {
  if (known === undefined || known === port) return true
  return isStandard(host, known) && isStandard(host, port)
}

function isStandard(host: string, port: number): boolean {
  return STANDARD_PORTS.includes(port) && !LOOPBACK.test(host)
}

function hasPorts(database: Database): boolean {
  const columns = database.prepare('PRAGMA table_info(account)').all()
  return columns.some(({ name }) => name === 'port')
}

/** In the order of FACT_COLUMNS. */
function columnsOf(facts: ServerFacts) {
  const { showsParts } = facts
  return [
    facts.capabilities?.join('\n') ?? null,
    facts.pipeliningFailedAt ?? null,
    facts.lastMisled ? 1 : 0,
    showsParts === undefined ? null : Number(showsParts),
    facts.loginDelaySeconds ?? null,
    facts.lastLoginAt ?? null,
    facts.isExpiryWarned ? 1 : 0,
    facts.renumberedAt ?? null,
    facts.sizeModel ?? null,
  ] as const
}

function accountOf(row: Row | undefined): Account | undefined {
  if (row === undefined) return undefined
  return {
    id: Number(row.id),
    name: String(row.name),
    host: String(row.host),
    port: row.port === null ? undefined : Number(row.port),
    user: String(row.user),
    epoch: Number(row.epoch),
    facts: factsOf(row),
  }
}

function factsOf(row: Row): ServerFacts {
  const text = (column: string) => (row[column] === null ? undefined : String(row[column]))
  return {
    pipeliningFailedAt: text('pipelining_failed_at'),
    lastMisled: row.last_misled === 1,
    capabilities: text('capabilities')?.split('\n'),
    showsParts: row.shows_parts === null ? undefined : row.shows_parts === 1,
    loginDelaySeconds: row.login_delay_s === null ? undefined : Number(row.login_delay_s),
    lastLoginAt: text('last_login_at'),
    isExpiryWarned: row.expiry_warned === 1,
    renumberedAt: text('renumbered_at'),
    sizeModel: SIZE_MODELS.find((model) => model === row.size_model),
  }
}
