/**
 * A POP3 server of six letters that writes down what is asked of it and lets a test act at each step: kill the client,
 * stop it, pull the power.
 *
 * It shares no code with the client or with the server of the house, and it deletes at once what QUIT commits.
 */
import { createHash } from 'node:crypto'
import {
  type ScriptedConnection,
  type ScriptedServer,
  scriptedServer,
} from '../support/scripted-server.ts'

/** One message as it crosses the wire, byte-stuffing undone. */
export interface Letter {
  readonly uniqueId: string
  readonly octets: Buffer
  /** SHA-256, hex. */
  readonly digest: string
}

/** What happens next: a command came and is not acted upon, a body is half sent, or QUIT's deletions are done. */
export interface Step {
  readonly at: 'command' | 'body' | 'deleted'
  readonly line: string
}

/** A DELE as it came; `ms` since the epoch, with a fraction. */
export interface Dele {
  readonly digest: string
  readonly ms: number
}

/** The maildrop through all of its sessions. */
export class Maildrop {
  readonly letters: readonly Letter[]
  /** What QUIT has left. */
  left: readonly Letter[]
  /** Each DELE that came, whether or not QUIT followed. */
  readonly deles: Dele[] = []
  retrievals = 0
  /** DELE deletes, as Qpopper 2 with `--enable-auto-delete`; QUIT has nothing left to do. */
  deletesAtOnce = false
  /** Awaited at each step. */
  onStep: (step: Step) => Promise<void> | void = () => {}

  constructor(letters: readonly Letter[]) {
    this.letters = letters
    this.left = letters
  }

  /** Listens on loopback, without TLS; any user and password open the maildrop. */
  serve(): Promise<ScriptedServer> {
    return scriptedServer((connection) => new MaildropSession(this, connection).run())
  }
}

class MaildropSession {
  readonly #maildrop: Maildrop
  readonly #connection: ScriptedConnection
  readonly #rows: readonly Letter[]
  readonly #marked = new Set<Letter>()

  constructor(maildrop: Maildrop, connection: ScriptedConnection) {
    this.#maildrop = maildrop
    this.#connection = connection
    this.#rows = maildrop.left
  }

  async run(): Promise<void> {
    await this.#connection.send('+OK ready\r\n')
    for (;;) {
      const line = await this.#connection.nextLine()
      if (line === undefined) return
      await this.#step('command', line)
      const [keyword = '', ...words] = line.toUpperCase().split(' ')
      if (keyword === 'QUIT') return this.#quit(line)
      await this.#answer(keyword, words, line)
    }
  }

  async #answer(keyword: string, words: readonly string[], line: string): Promise<void> {
    const row = this.#rows[Number(words[0]) - 1]
    const present = this.#rows.filter((one) => !this.#marked.has(one))
    const total = present.reduce((sum, { octets }) => sum + octets.length, 0)
    const numbered = (say: (letter: Letter) => string | number) =>
      present.map((one) => `${this.#rows.indexOf(one) + 1} ${say(one)}`)
    if (keyword === 'CAPA') return this.#list(['USER', 'TOP', 'UIDL', 'PIPELINING'])
    if (keyword === 'USER' || keyword === 'PASS' || keyword === 'NOOP') return this.#say('+OK')
    if (keyword === 'STAT') return this.#say(`+OK ${present.length} ${total}`)
    if (keyword === 'LIST' && !row) return this.#list(numbered(({ octets }) => octets.length))
    if (keyword === 'UIDL' && !row) return this.#list(numbered(({ uniqueId }) => uniqueId))
    if (row === undefined || this.#marked.has(row)) return this.#say('-ERR no')
    if (keyword === 'LIST') return this.#say(`+OK ${words[0]} ${row.octets.length}`)
    if (keyword === 'UIDL') return this.#say(`+OK ${words[0]} ${row.uniqueId}`)
    if (keyword === 'TOP') return this.#top(row)
    if (keyword === 'RETR') return this.#retrieve(row, line)
    if (keyword !== 'DELE') return this.#say('-ERR no')
    this.#marked.add(row)
    if (this.#maildrop.deletesAtOnce) this.#expunge()
    return this.#say('+OK')
  }

  async #retrieve({ octets }: Letter, line: string): Promise<void> {
    this.#maildrop.retrievals += 1
    const stuffed = stuff(octets)
    const half = stuffed.length >> 1
    await this.#say(`+OK ${octets.length}`)
    await this.#connection.send(stuffed.subarray(0, half))
    await this.#step('body', line)
    await this.#connection.send(stuffed.subarray(half))
    await this.#say('.')
  }

  async #top({ octets }: Letter): Promise<void> {
    await this.#say('+OK')
    await this.#connection.send(stuff(octets.subarray(0, octets.indexOf('\r\n\r\n') + 4)))
    await this.#say('.')
  }

  async #quit(line: string): Promise<void> {
    this.#expunge()
    await this.#step('deleted', line)
    await this.#say('+OK')
    this.#connection.fin()
    await this.#connection.closed()
  }

  #expunge(): void {
    this.#maildrop.left = this.#maildrop.left.filter((letter) => !this.#marked.has(letter))
  }

  async #step(at: Step['at'], line: string): Promise<void> {
    const number = /^DELE (\d+)$/i.exec(line)?.[1]
    const row = number === undefined ? undefined : this.#rows[Number(number) - 1]
    if (row && at === 'command') {
      this.#maildrop.deles.push({ digest: row.digest, ms: wallClock() })
    }
    await this.#maildrop.onStep({ at, line })
  }

  async #list(rows: readonly string[]): Promise<void> {
    await this.#connection.send(['+OK', ...rows, '.', ''].join('\r\n'))
  }

  async #say(line: string): Promise<void> {
    await this.#connection.send(`${line}\r\n`)
  }
}

/**
 * Ms since the epoch, with a fraction: Date.now() has none, and performance.now() does not follow a clock that is put right.
 * Waits for the next whole ms.
 */
function wallClock(): number {
  const begun = performance.now()
  const before = Date.now()
  for (;;) {
    const now = Date.now()
    if (now !== before) return now - (performance.now() - begun)
  }
}

/** A maildrop of `count` letters: small ones, the second with a bare LF, and the third of 2.2 MiB, which is staged. */
export function lettersOf(count: number): readonly Letter[] {
  return Array.from({ length: count }, (_, index) => {
    const lines = index === 2 ? 29_000 : 40 + index
    const body = Array.from({ length: lines }, (_line, n) =>
      `${index} ${n} `.padEnd(78, 'abcdefgh'),
    )
    if (index === 1) body.push('a line that ends in LF alone\nand another', '.', '..dots')
    const header = [
      `From: Sender ${index} <sender@example.com>`,
      'To: me@example.com',
      `Subject: letter ${index}`,
      `Message-ID: <${index}@example.com>`,
      `Date: Mon, 02 Nov 2026 10:00:0${index % 10} +0000`,
    ]
    const octets = Buffer.from([...header, '', ...body, ''].join('\r\n'))
    const digest = createHash('sha256').update(octets).digest('hex')
    return { uniqueId: `letter-${index}`, octets, digest }
  })
}

function stuff(octets: Buffer): Buffer {
  return Buffer.from(octets.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1')
}
