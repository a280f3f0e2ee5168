/**
 * A server that behaves as Gmail does: a part of the maildrop in each session, the oldest that no session took yet; what was
 * retrieved before a QUIT is not shown again; a pause between two logins, announced and enforced.
 */
import { type ScriptedConnection, type ScriptedServer, scriptedServer } from './scripted-server.ts'

export interface PartServer extends AsyncDisposable {
  readonly port: number
  /** Ms since the epoch, of each login that was let in. */
  readonly logins: readonly number[]
  /** Logins that were refused for coming too soon. */
  readonly refused: number
  /** Connections so far, whatever came of them. */
  readonly connections: number
  /** Message numbers, from 0, of what was taken, in that order. */
  readonly taken: readonly number[]
  played(): Promise<void>
}

export interface PartServerOptions {
  readonly messages: number
  /** Shown in one session. */
  readonly part: number
  /** Between two logins, seconds. */
  readonly pause: number
  /** False: it is only announced. May change at any time. */
  enforcesPause?: boolean
  readonly octetsOf: (index: number) => string
}

export async function partServer(options: PartServerOptions): Promise<PartServer> {
  const state = { logins: [] as number[], refused: 0, taken: [] as number[] }
  const server: ScriptedServer = await scriptedServer((connection) =>
    new PartSession(connection, options, state).run(),
  )
  return {
    port: server.port,
    logins: state.logins,
    get connections() {
      return server.connections.length
    },
    get refused() {
      return state.refused
    },
    taken: state.taken,
    played: () => server.played(),
    [Symbol.asyncDispose]: () => server.close(),
  }
}

interface State {
  readonly logins: number[]
  refused: number
  readonly taken: number[]
}

class PartSession {
  readonly #connection: ScriptedConnection
  readonly #options: PartServerOptions
  readonly #state: State
  readonly #retrieved: number[] = []
  #part: readonly number[] = []

  constructor(connection: ScriptedConnection, options: PartServerOptions, state: State) {
    this.#connection = connection
    this.#options = options
    this.#state = state
  }

  async run(): Promise<void> {
    await this.#connection.send('+OK Gpop ready\r\n')
    for (;;) {
      const line = await this.#connection.nextLine()
      if (line === undefined) return
      await this.#connection.send(this.#answer(line))
      if (line === 'QUIT') {
        this.#state.taken.push(...this.#retrieved)
        this.#connection.fin()
        return
      }
    }
  }

  #answer(line: string): string {
    const { octetsOf, pause } = this.#options
    const [keyword = '', argument] = line.split(' ')
    const sizes = this.#part.map((index) => octetsOf(index).length)
    const rows = (of: (position: number) => string | number): string =>
      `+OK\r\n${this.#part.map((_, position) => `${position + 1} ${of(position)}\r\n`).join('')}.\r\n`
    switch (keyword ?? '') {
      case 'CAPA':
        return `+OK\r\nUSER\r\nTOP\r\nUIDL\r\nPIPELINING\r\nEXPIRE 0\r\nLOGIN-DELAY ${pause}\r\nX-GOOGLE-RICO\r\n.\r\n`
      case 'PASS':
        return this.#login()
      case 'STAT':
        return `+OK ${this.#part.length} ${sizes.reduce((sum, octets) => sum + octets, 0)}\r\n`
      case 'LIST':
        return rows((position) => sizes[position] ?? 0)
      case 'UIDL':
        return rows((position) => `GmailId${this.#part[position]?.toString(16)}`)
      case 'RETR': {
        const index = this.#part[Number(argument) - 1]
        if (index === undefined) return '-ERR no such message\r\n'
        this.#retrieved.push(index)
        return `+OK\r\n${octetsOf(index)}.\r\n`
      }
      case 'TOP': {
        const index = this.#part[Number(argument) - 1]
        if (index === undefined) return '-ERR no such message\r\n'
        const [header] = octetsOf(index).split('\r\n\r\n')
        return `+OK\r\n${header}\r\n\r\n.\r\n`
      }
      default:
        return '+OK\r\n'
    }
  }

  #login(): string {
    const { messages, part, pause, enforcesPause = true } = this.#options
    const { logins, taken } = this.#state
    const last = logins.at(-1)
    const now = Date.now()
    if (enforcesPause && last !== undefined && now - last < pause * 1000) {
      this.#state.refused += 1
      return '-ERR [LOGIN-DELAY] minimum time between logins\r\n'
    }
    logins.push(now)
    const all = Array.from({ length: messages }, (_, index) => index)
    this.#part = all.filter((index) => !taken.includes(index)).slice(0, part)
    return '+OK Welcome.\r\n'
  }
}
