/** A maildrop behind a server that answers as it should, wherever its script does not answer for it. */
import { createHash } from 'node:crypto'
import type { ScriptedConnection, Step } from '../support/scripted-server.ts'

/** One message of a maildrop. */
export interface Letter {
  /** What a case calls it; its unique-id unless that is not enough. */
  readonly name: string
  /** One UTF-16 unit for each octet. */
  readonly uniqueId: string
  readonly octets: Buffer
  /** What LIST says; the true size unless given. */
  readonly listed: number | string
  /** SHA-256, hex. */
  readonly digest: string
}

/** `text` is latin1, one octet for each UTF-16 unit. */
export function letter(
  uniqueId: string,
  text: string | Uint8Array,
  { name = uniqueId, listed }: { readonly name?: string; readonly listed?: number | string } = {},
): Letter {
  const octets = typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text)
  const digest = createHash('sha256').update(octets).digest('hex')
  return { name, uniqueId, octets, listed: listed ?? octets.length, digest }
}

/** Four messages of different sizes: `u-1` to `u-4`. */
export const fourLetters = (): readonly Letter[] =>
  [1, 2, 3, 4].map((n) =>
    letter(`u-${n}`, `From: a@example.com\r\nSubject: number ${n}\r\n\r\n${'text\r\n'.repeat(n)}`),
  )

/** What is said in place of the right reply; a step says it by itself. Undefined: the right one. */
export type Reply = string | Uint8Array | Step | undefined

/** Hears each command line of a session, the login included, as it comes. */
export type Answer = (line: string, session: MailSession) => Reply | Promise<Reply>

/** The messages of one account on its server, through all sessions of a case. */
export class ScriptedMaildrop {
  #letters: readonly Letter[] = []
  /** By name, also those that are gone. */
  readonly known = new Map<string, Letter>()
  readonly sessions: MailSession[] = []
  /** Hears of each DELE when it has come and before it is answered. */
  onDelete: (letter: Letter) => void = () => {}
  /** Messages for which DELE came, RETR came, or that are gone since by QUIT; in that order, by name. */
  readonly log = {
    deleted: [] as string[],
    retrieved: [] as string[],
    gone: [] as string[],
  }

  constructor(letters: readonly Letter[]) {
    this.letters = letters
  }

  /** What the next session shows. */
  get letters(): readonly Letter[] {
    return this.#letters
  }

  set letters(letters: readonly Letter[]) {
    this.#letters = letters
    for (const one of letters) this.known.set(one.name, one)
  }

  /** One session, from the greeting to the end of the connection. */
  async serve(
    connection: ScriptedConnection,
    capabilities: readonly string[],
    answer: Answer = () => undefined,
  ): Promise<void> {
    const session = new MailSession(this, connection, capabilities)
    this.sessions.push(session)
    await connection.send('+OK ready\r\n')
    for (;;) {
      const line = await connection.nextLine()
      if (line === undefined) return
      session.heard(line)
      const reply = (await answer(line, session)) ?? session.right(line)
      if (typeof reply === 'function') {
        await reply(connection)
        continue
      }
      if (Buffer.from(reply).toString('latin1').startsWith('+OK')) session.accept(line)
      await connection.send(reply)
      if (line === 'QUIT') connection.fin()
    }
  }
}

/** What one session shows, and what was said in it. */
export class MailSession {
  /** From 0, over all runs of a case. */
  readonly index: number
  readonly connection: ScriptedConnection
  /** Message n is `rows[n - 1]`. */
  readonly rows: readonly Letter[]
  /** Each line that came. */
  readonly lines: string[] = []
  readonly #maildrop: ScriptedMaildrop
  readonly #capabilities: readonly string[]
  readonly #marked = new Set<Letter>()

  constructor(
    maildrop: ScriptedMaildrop,
    connection: ScriptedConnection,
    capabilities: readonly string[],
  ) {
    this.index = maildrop.sessions.length
    this.connection = connection
    this.rows = maildrop.letters
    this.#maildrop = maildrop
    this.#capabilities = capabilities
  }

  /** The message that a command is about. */
  of(line: string): Letter | undefined {
    return this.rows[Number(line.split(' ')[1]) - 1]
  }

  /** The reply of a server in health, octets as one UTF-16 unit each. */
  right(line: string): string {
    const [keyword = '', , lines] = line.split(' ')
    const shown = (): { one: Letter; n: number }[] =>
      this.rows.flatMap((one, at) => (this.#marked.has(one) ? [] : [{ one, n: at + 1 }]))
    const listing = (row: (one: Letter) => number | string): string =>
      `+OK\r\n${shown()
        .map(({ one, n }) => `${n} ${row(one)}\r\n`)
        .join('')}.\r\n`
    if (keyword === 'CAPA') return `+OK\r\n${this.#capabilities.join('\r\n')}\r\n.\r\n`
    if (keyword === 'STAT') {
      const octets = shown().reduce((sum, { one }) => sum + (Number(one.listed) || 0), 0)
      return `+OK ${shown().length} ${octets}\r\n`
    }
    if (keyword === 'LIST' && line !== keyword) {
      const row = this.of(line)
      return row ? `+OK${line.slice(keyword.length)} ${row.listed}\r\n` : '-ERR no such message\r\n'
    }
    if (keyword === 'LIST') return listing(({ listed }) => listed)
    if (keyword === 'UIDL') return listing(({ uniqueId }) => uniqueId)
    if (!['RETR', 'TOP', 'DELE'].includes(keyword)) return '+OK\r\n'
    const found = this.of(line)
    if (found === undefined || this.#marked.has(found)) return '-ERR no such message\r\n'
    if (keyword === 'DELE') return '+OK\r\n'
    const text = found.octets.toString('latin1')
    const isWhole = keyword === 'RETR' || lines !== '0'
    return `+OK\r\n${encodeBody(isWhole ? text : `${text.split('\r\n\r\n')[0]}\r\n\r\n`)}`
  }

  heard(line: string): void {
    this.lines.push(line)
    const found = this.of(line)
    if (found && line.startsWith('RETR ')) this.#maildrop.log.retrieved.push(found.name)
    if (found && line.startsWith('DELE ')) {
      this.#maildrop.onDelete(found)
      this.#maildrop.log.deleted.push(found.name)
    }
  }

  /** A command was answered by +OK: what that means for the maildrop. */
  accept(line: string): void {
    const found = this.of(line)
    if (found && line.startsWith('DELE ')) this.#marked.add(found)
    if (line === 'QUIT') this.commit()
  }

  /** What was marked is gone, as behind QUIT. */
  commit(): void {
    const maildrop = this.#maildrop
    maildrop.log.gone.push(...[...this.#marked].map(({ name }) => name))
    maildrop.letters = maildrop.letters.filter((one) => !this.#marked.has(one))
  }
}

/** A multi-line response's body: byte-stuffed, ended by CRLF if it is not, and by its dot. */
function encodeBody(text: string): string {
  const stuffed = text.replaceAll(/(^|\n)\./g, '$1..')
  return `${stuffed}${stuffed === '' || stuffed.endsWith('\r\n') ? '' : '\r\n'}.\r\n`
}
