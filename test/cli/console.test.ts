/** `popkeep console` in this process, by pipe and by a pretended terminal, against the server of the house. */
import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import type { Pop3Server } from '../../src/server/listen.ts'
import { SEED_PASSWORD } from '../../src/server/seed-maildrop.ts'
import { Screen } from '../support/screen.ts'
import {
  closed,
  expectLine,
  fin,
  gate,
  hold,
  type Script,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { SEED_GREETING, seedServer } from '../support/seed-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const folder = temporaryFolder('console')
afterAll(() => folder.remove())

/** What was typed on 2 July 1997, and what the server said. */
const TYPED = [
  ...['user paul', `pass ${SEED_PASSWORD}`, 'stat', 'list', 'noop', 'last', 'retr 4', 'dele 4'],
  ...['rset 4', 'rset', 'list', 'quit'],
]
const LISTING = [
  '+OK 6 messages (12576 octets)',
  ...['1 1447', '2 2640', '3 2296', '4 1100', '5 3025', '6 2068', '.'],
]

interface Console {
  readonly stdin: PassThrough
  readonly signals: EventEmitter
  readonly finished: Promise<number>
  stdout(): string
  stderr(): string
}

interface Surroundings {
  readonly words?: readonly string[]
  readonly terminal?: Screen
  readonly stdout?: PassThrough
  readonly env?: Readonly<Record<string, string>>
}

function start(
  target: string,
  { words = [], terminal, stdout = new PassThrough(), env = {} }: Surroundings = {},
): Console {
  const stdin = Object.assign(new PassThrough(), {
    isTTY: terminal !== undefined,
    setRawMode: () => undefined,
  })
  const stderr = new PassThrough()
  const heard: Buffer[] = []
  stdout.on('data', (chunk: Buffer) => heard.push(chunk))
  const signals = new EventEmitter()
  const finished = run(['console', target, '--tls', 'none', ...words], {
    stdin,
    stdout: terminal ?? stdout,
    stderr: terminal ?? stderr,
    env: { HOME: folder.path, ...env },
    signals,
    invocation: 'popkeep',
    quit: () => undefined,
    now: () => 0,
  })
  return {
    stdin,
    signals,
    finished,
    stdout: () => Buffer.concat(heard).toString('latin1'),
    stderr: () => String(stderr.read() ?? ''),
  }
}

const urlOf = ({ port }: { readonly port: number }) => `pop://paul@127.0.0.1:${port}`

describe('popkeep console, the session of 1997', () => {
  let server: Pop3Server
  beforeEach(async () => {
    server = await seedServer()
  })
  afterEach(() => server.close())

  it.each([
    ['LF', '\n', TYPED],
    ['CRLF, and empty lines', '\r\n\r\n', TYPED],
    ['QUIT left unsaid', '\n', TYPED.slice(0, -1)],
  ])(
    'says by pipe what telnet would show, octet for octet: lines by %s',
    async (_how, end, lines) => {
      const trace = join(folder.path, 'trace')
      const session = start(urlOf(server), { words: ['--trace', trace] })
      session.stdin.end(lines.map((line) => line + end).join(''))
      expect(await session.finished).toBe(0)
      const said = session.stdout().split('\r\n')
      expect(said.slice(0, 13)).toEqual([
        SEED_GREETING,
        '+OK Password required for paul.',
        '+OK paul has 6 messages (12576 octets).',
        '+OK 6 12576',
        ...LISTING,
        '+OK',
      ])
      expect(said.slice(13, 15)).toEqual(['+OK 4 is the last read message.', '+OK 1100 octets'])
      expect(said.slice(-14)).toEqual([
        '.',
        '+OK Message 4 has been deleted.',
        '-ERR Too many arguments for the rset command.',
        '+OK Maildrop has 6 messages (12576 octets)',
        ...LISTING,
        '+OK Pop server at quest.net.kiae.su signing off.',
        '',
      ])
      // The message, between its status line and the termination octet, as it is in the maildrop.
      const message = said.slice(15, -14).map((line) => `${line}\r\n`)
      expect(message.join('')).toHaveLength(1100)
      expect(session.stderr()).toBe('')
      const traced = readFileSync(trace, 'utf8')
      expect(traced).toContain('C: pass ***')
      expect(traced).not.toContain(SEED_PASSWORD)
    },
  )

  it('looks on a terminal as it did then, but for the password', async () => {
    const screen = new Screen(100)
    const session = start(urlOf(server), { terminal: screen })
    // A terminal sends CR.
    for (const line of TYPED) session.stdin.write(`${line}\r`)
    expect(await session.finished).toBe(0)
    const shown = screen.text.split('\n')
    expect(shown.slice(0, 7)).toEqual([
      SEED_GREETING,
      'user paul',
      '+OK Password required for paul.',
      `pass ${'*'.repeat(SEED_PASSWORD.length)}`,
      '+OK paul has 6 messages (12576 octets).',
      'stat',
      '+OK 6 12576',
    ])
    expect(shown.slice(7, 16)).toEqual(['list', ...LISTING])
    expect(shown.slice(-10)).toEqual(
      ['list', ...LISTING, 'quit', '+OK Pop server at quest.net.kiae.su signing off.'].slice(-10),
    )
    expect(screen.raw).not.toContain('Kukuru')
  })
})

describe('popkeep console', () => {
  const greeted = (...steps: Exclude<Script, (connection: never) => unknown>): Script => [
    send('+OK ready\r\n'),
    ...steps,
  ]

  it('masks on the screen what answers a challenge', async () => {
    await using server = await scriptedServer(
      greeted(
        expectLine('auth plain'),
        send('+ \r\n'),
        expectLine('Y2FuYXJ5'),
        send('-ERR no canary\r\n'),
        expectLine('QUIT'),
        send('+OK\r\n'),
      ),
    )
    const screen = new Screen()
    const session = start(urlOf(server), { terminal: screen })
    session.stdin.write('auth plain\rY2FuYXJ5\r\x04')
    expect(await session.finished).toBe(0)
    expect(screen.text).toBe('+OK ready\nauth plain\n+\n********\n-ERR no ***\nquit\n+OK')
    expect(screen.raw).not.toMatch(/canary|Y2FuYXJ5/)
  })

  it('cancels an exchange whose answer the script does not have', async () => {
    await using server = await scriptedServer(
      greeted(
        ...[expectLine('auth plain'), send('+ \r\n'), expectLine('*'), send('-ERR\r\n')],
        ...[expectLine('QUIT'), send('+OK\r\n')],
      ),
    )
    const session = start(urlOf(server))
    session.stdin.end('auth plain\n')
    expect([await session.finished, session.stdout()]).toEqual([
      0,
      '+OK ready\r\n+ \r\n-ERR\r\n+OK\r\n',
    ])
    await server.played()
  })

  it.each([
    ['goes on behind it on a terminal', true, 0, '+OK ready\nstls\npopkeep: '],
    ['ends a script there', false, 64, '+OK ready\r\n+OK\r\n'],
  ])('refuses STLS: %s', async (_how, isTerminal, exit, shown) => {
    await using server = await scriptedServer(greeted(expectLine('QUIT'), send('+OK\r\n')))
    const screen = new Screen(200)
    const session = start(urlOf(server), isTerminal ? { terminal: screen } : {})
    session.stdin.end(isTerminal ? 'stls\r\x04' : 'stls\nnoop\n')
    expect(await session.finished).toBe(exit)
    expect(isTerminal ? screen.text : session.stdout()).toContain(shown)
    expect(isTerminal ? screen.text : session.stderr()).toContain('start it with --tls stls')
    await server.played()
  })

  it('shows at once that the server ends the session, though a line is half typed', async () => {
    const typed = gate()
    await using server = await scriptedServer(
      greeted(hold(typed.opened), send('-ERR Disconnected for inactivity.\r\n'), fin()),
    )
    const screen = new Screen()
    const session = start(urlOf(server), { terminal: screen })
    session.stdin.write('pass cana')
    typed.open()
    expect(await session.finished).toBe(75)
    expect(screen.text).toBe(
      '+OK ready\n-ERR Disconnected for inactivity.\npass ****\npopkeep: the server ended the session.',
    )
    expect(screen.raw).not.toContain('cana')
  })

  it.each<[string, Script, number]>([
    ['turns away', [send('-ERR busy\r\n')], 69],
    ['is none of POP3', [send('220 ready\r\n')], 76],
    ['closes', greeted(expectLine('noop'), fin()), 69],
    ['says something else', greeted(expectLine('noop'), send('?\r\n')), 76],
  ])('has an exit code for a server that %s', async (_how, script, exit) => {
    await using server = await scriptedServer(script)
    const session = start(urlOf(server))
    session.stdin.end('noop\nstat\n')
    expect(await session.finished).toBe(exit)
    expect(session.stderr()).toMatch(/^popkeep: [^\n]+\n$/)
  })

  it('makes visible what a hostile server says', async () => {
    await using server = await scriptedServer([
      send('+OK \x1b]0;owned\x07\r\n'),
      ...[expectLine('retr 1'), send('+OK\r\n\x1b[2J\xe2\x80\xae\r\n.\r\n')],
      ...[expectLine('QUIT'), send('+OK\r\n')],
    ])
    const screen = new Screen()
    const session = start(urlOf(server), { terminal: screen })
    session.stdin.write('retr 1\r\x04')
    expect(await session.finished).toBe(0)
    expect(screen.text).toBe('+OK \\x1b]0;owned\\x07\nretr 1\n+OK\n\\x1b[2J\\u202e\n.\nquit\n+OK')
  })

  it.each([
    ['Ctrl-C', 130, (session: Console) => void session.stdin.write('\x03')],
    ['SIGTERM', 143, (session: Console) => void session.signals.emit('SIGTERM')],
  ])('ends at once by %s, though a reply is due', async (_how, exit, act) => {
    const asked = gate()
    await using server = await scriptedServer(
      greeted(expectLine('retr 1'), () => asked.open(), closed()),
    )
    const screen = new Screen()
    const session = start(urlOf(server), { terminal: screen })
    session.stdin.write('retr 1\r')
    await asked.opened
    act(session)
    expect(await session.finished).toBe(exit)
    expect(screen.text).toContain('popkeep: interrupted; without QUIT the server deletes nothing.')
    await server.played()
  })

  it('ends quietly where nobody reads what the server says', async () => {
    await using server = await scriptedServer([send('+OK ready\r\n'), closed()])
    const stdout = new PassThrough()
    stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    const session = start(urlOf(server), { stdout })
    session.stdin.write('noop\n')
    expect([await session.finished, session.stderr()]).toEqual([0, ''])
    await server.played()
  })

  it.each([
    ['logs in first if it is to, and begins behind that', 'hunter22', 0, '+OK 1 2\r\n+OK\r\n'],
    ['says why it could not log in', 'wrong', 77, ''],
  ])('%s', async (_how, password, exit, stdout) => {
    await using server = await scriptedServer(
      greeted(
        ...[expectLine('CAPA'), send('+OK\r\nUSER\r\n.\r\n')],
        ...[expectLine('USER paul'), send('+OK\r\n')],
        async (connection) => {
          const line = await connection.nextLine()
          await connection.send(line === 'PASS hunter22' ? '+OK\r\n' : '-ERR [AUTH] no\r\n')
        },
        ...[expectLine('CAPA'), send('-ERR\r\n')],
        ...[expectLine('stat'), send('+OK 1 2\r\n'), expectLine('QUIT'), send('+OK\r\n')],
      ),
    )
    const env = { POPKEEP_PASSWORD: password }
    const session = start(urlOf(server), { words: ['--login'], env })
    session.stdin.end('stat\n')
    expect([await session.finished, session.stdout()]).toEqual([exit, stdout])
    expect(session.stderr()).not.toContain(password)
  })

  it('takes no password that nobody asked it to use', async () => {
    const session = start('pops://me@127.0.0.1', { words: ['--password-file', '/dev/null'] })
    expect(await session.finished).toBe(64)
    expect(session.stderr()).toContain('--login')
  })
})
