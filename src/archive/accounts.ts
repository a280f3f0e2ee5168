/** The catalog's accounts: recognised by name, or by host and user where the owner renamed one. */
import type { Database, Row, Statement } from '../sqlite/database.ts'

/** Who an account is, as its owner wrote it. */
export interface AccountIdentity {
  readonly name: string
  readonly host: string
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

export interface Account extends AccountIdentity {
  readonly id: number
  /** Receipts of former epochs belong to another maildrop that once stood under this name. */
  readonly epoch: number
  readonly facts: ServerFacts
}

const SIZE_MODELS: readonly SizeModel[] = ['exact', '+2', 'lf', 'rounded', 'estimate']

const FACT_COLUMNS = [
  ...['capabilities', 'pipelining_failed_at', 'last_misled', 'shows_parts', 'login_delay_s'],
  ...['last_login_at', 'expiry_warned', 'renumbered_at', 'size_model'],
]
const COLUMNS = ['id', 'name', 'host', 'user', 'epoch', ...FACT_COLUMNS].join(', ')

export class AccountTable {
  readonly #byName: Statement
  readonly #atServer: Statement
  readonly #insert: Statement
  readonly #rename: Statement
  readonly #move: Statement
  readonly #learn: Statement

  constructor(database: Database) {
    this.#byName = database.prepare(`SELECT ${COLUMNS} FROM account WHERE name = ?`)
    this.#atServer = database.prepare(
      `SELECT ${COLUMNS} FROM account WHERE lower(host) = lower(?) AND user = ? ORDER BY id DESC`,
    )
    this.#insert = database.prepare(
      `INSERT INTO account (name, host, user) VALUES (?, ?, ?) RETURNING ${COLUMNS}`,
    )
    this.#rename = database.prepare('UPDATE account SET name = ? WHERE id = ?')
    this.#move = database.prepare('UPDATE account SET host = ?, user = ?, epoch = ? WHERE id = ?')
    this.#learn = database.prepare(
      `UPDATE account SET ${FACT_COLUMNS.map((column) => `${column} = ?`).join(', ')} WHERE id = ?`,
    )
  }

  find(name: string): Account | undefined {
    return accountOf(this.#byName.get(name))
  }

  /**
   * The account that this one was called before its owner renamed it: the latest with the same host and user whose own
   * name is not in use any more.
   */
  findRenamed(identity: AccountIdentity, configured: ReadonlySet<string>): Account | undefined {
    return this.#atServer
      .all(identity.host, identity.user)
      .map(accountOf)
      .find((account) => account !== undefined && !configured.has(account.name))
  }

  insert({ name, host, user }: AccountIdentity): Account {
    const account = accountOf(this.#insert.get(name, host, user))
    if (account === undefined) throw new Error('INSERT returned no account')
    return account
  }

  rename(account: Account, name: string): Account {
    this.#rename.run(name, account.id)
    return { ...account, name }
  }

  /** The account is at another host or for another user from now on; with a new epoch its receipts count no more. */
  move(account: Account, to: { host: string; user: string; epoch: number }): Account {
    this.#move.run(to.host, to.user, to.epoch, account.id)
    return { ...account, ...to }
  }

  /** Writes only if something differs: a steady run has nothing to learn. */
  learn(account: Account, learned: Partial<ServerFacts>): Account {
    const facts: ServerFacts = { ...account.facts, ...learned }
    const before = columnsOf(account.facts)
    const after = columnsOf(facts)
    if (after.some((value, index) => value !== before[index])) this.#learn.run(...after, account.id)
    return { ...account, facts }
  }
}

/** Whether the catalog knows this account at another host or for another user. Host names have no case. */
export function isElsewhere(account: Account, identity: AccountIdentity): boolean {
  return (
    account.host.toLowerCase() !== identity.host.toLowerCase() || account.user !== identity.user
  )
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
