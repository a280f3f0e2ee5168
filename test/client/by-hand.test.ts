import { afterEach, describe, expect, it } from 'vitest'
import { type Heard, SessionByHand } from '../../src/client/by-hand.ts'
import { greet } from '../../src/client/greeting.ts'
import { TIMEOUTS, type Timeouts } from '../../src/client/timeouts.ts'
import { Wire } from '../../src/client/wire.ts'
import type { Connection } from '../../src/net/connection.ts'
import {
  chunk,
  closed,
  expectLine,
  fin,
  gate,
  hold,
  type ScriptedServer,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'

const CANARY = 'canary-5e1f'

/** A session in which everything heard is kept as lines of text; neighbouring pieces of a body are joined. */
class Talk {
  readonly heard: string[] = []
  readonly trace: string[] = []
  hand: SessionByHand
  over: Promise<void>
  #body = ''

  static async at(
    { host, port }: Pick<ScriptedServer, 'host' | 'port'>,
    timeouts: Partial<Timeouts> = {},
  ): Promise<Talk> {
    const trace: string[] = []
    const { wire } = await greet(
      { host, port, tls: 'none', trace: (line) => trace.push(line) },
      new AbortController().signal,
    )
    return new Talk(trace, (talk) => {
      const all = { ...TIMEOUTS, ...timeouts }
      return new SessionByHand(wire, all, async (event) => talk.#hear(event))
    })
  }

  constructor(trace: string[], open: (talk: Talk) => SessionByHand) {
    this.trace = trace
    this.hand = open(this)
    this.over = this.hand.listen()
    // Looked at by the test when it comes to that.
    this.over.catch(() => undefined)
  }

  /** What came in reply. */
  async type(line: string): Promise<readonly string[]> {
    const before = this.heard.length
    await this.hand.type(line)
    return this.heard.slice(before)
  }

  #hear(event: Heard): void {
    if (event.type === 'body') this.#body += Buffer.from(event.octets).toString('latin1')
    else if (event.type === 'line') this.heard.push(Buffer.from(event.line).toString('latin1'))
    else if (event.type === 'end') {
      if (this.#body !== '') this.heard.push(this.#body)
      this.heard.push('.')
      this.#body = ''
    } else this.heard.push(event.line)
  }
}

const servers: ScriptedServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function play(...steps: readonly Step[]): Promise<ScriptedServer> {
  const server = await scriptedServer([send('+OK ready\r\n'), ...steps])
  servers.push(server)
  return server
}

const answer = (line: string, reply: string): readonly Step[] => [expectLine(line), send(reply)]
const quit = answer('quit', '+OK bye\r\n')

describe('a session by hand', () => {
  it.each([0, 1, 2, 3, 7])('understands every kind of reply, in pieces of %i', async (octets) => {
    const server = await play(
      chunk(octets),
      ...answer('user me', '+OK\r\n'),
      ...answer('pass secret', '+OK 2 messages\r\n'),
      ...answer('capa', '+OK\r\nTOP\r\nUIDL\r\n.\r\n'),
      ...answer('LIST', '+OK\r\n1 12\r\n2 13\r\n.\r\n'),
      ...answer('list 1', '+OK 1 12\r\n'),
      ...answer('uidl', '-ERR no\r\n'),
      ...answer('retr 1', '+OK\r\nSubject: a\r\n\r\n..b\r\n+OK\r\n.\r\n'),
      ...answer('top 2 0', '+OK\r\nSubject: b\r\n\r\n.\r\n'),
      ...answer('lang', '+OK\r\ni-default Default\r\n.\r\n'),
      ...answer('lang i-default', '+OK default\r\n'),
      ...quit,
    )
    const talk = await Talk.at(server)
    expect(await talk.type('user me')).toEqual(['+OK'])
    expect(await talk.type('pass secret')).toEqual(['+OK 2 messages'])
    expect(await talk.type('capa')).toEqual(['+OK', 'TOP', 'UIDL', '.'])
    expect(await talk.type('LIST')).toEqual(['+OK', '1 12', '2 13', '.'])
    expect(await talk.type('list 1')).toEqual(['+OK 1 12'])
    expect(await talk.type('uidl')).toEqual(['-ERR no'])
    expect(await talk.type('retr 1')).toEqual(['+OK', 'Subject: a\r\n\r\n.b\r\n+OK\r\n', '.'])
    expect(await talk.type('top 2 0')).toEqual(['+OK', 'Subject: b\r\n\r\n', '.'])
    expect(await talk.type('lang')).toEqual(['+OK', 'i-default Default', '.'])
    expect(await talk.type('lang i-default')).toEqual(['+OK default'])
    expect(await talk.type('quit')).toEqual(['+OK bye'])
    await talk.over
    expect(talk.hand.isOver).toBe(true)
    await server.played()
  })

  it('hears a list behind a command that it does not know', async () => {
    const late = gate()
    const server = await play(
      ...answer('auth', '+OK\r\nPLAIN\r\nLOGIN\r\n.\r\n'),
      ...answer('help', '+OK ask at the desk\r\n'),
      ...answer('xtnd xlst subject', '+OK\r\n'),
      expectLine('noop'),
      send('1 Subject: a\r\n'),
      hold(late.opened),
      send('.\r\n+OK\r\n'),
      ...quit,
    )
    const talk = await Talk.at(server)
    expect(await talk.type('auth')).toEqual(['+OK', 'PLAIN', 'LOGIN', '.'])
    expect(await talk.type('help')).toEqual(['+OK ask at the desk'])
    expect(await talk.type('xtnd xlst subject')).toEqual(['+OK'])
    const noop = talk.type('noop')
    late.open()
    expect(await noop).toEqual(['1 Subject: a', '.', '+OK'])
    expect(await talk.type('quit')).toEqual(['+OK bye'])
    await talk.over
  })

  it.each([
    ['the server closes behind +OK', [send('+OK bye\r\n'), fin()]],
    ['the server refuses and closes', [send('-ERR not all were removed\r\n'), fin()]],
  ])('ends in good form when %s', async (_how, steps) => {
    const talk = await Talk.at(await play(expectLine('Quit'), ...steps))
    await talk.type('Quit')
    await talk.over
    expect(talk.heard).toHaveLength(1)
  })

  it('goes on behind a QUIT that was refused, until it is closed', async () => {
    const server = await play(
      ...answer('quit now', '-ERR too many arguments\r\n'),
      ...answer('noop', '+OK\r\n'),
      ...answer('quit now', '-ERR too many arguments\r\n'),
      closed(),
    )
    const talk = await Talk.at(server)
    expect(await talk.type('quit now')).toEqual(['-ERR too many arguments'])
    expect(await talk.type('noop')).toEqual(['+OK'])
    await talk.type('quit now')
    talk.hand.close()
    await talk.over
    await server.played()
  })
})

describe('a server that ends a session by hand', () => {
  it.each<[string, readonly Step[], string, readonly string[]]>([
    ['with words', [send('-ERR idle\r\n'), fin()], 'POP3_TEMPORARY', ['-ERR idle']],
    ['in other words', [send('* BYE\r\n'), fin()], 'POP3_OUT_OF_STEP', ['* BYE']],
    ['with half a line', [send('-ERR idl'), fin()], 'POP3_TEMPORARY', ['-ERR idl']],
    ['without a word', [fin()], 'NET_CLOSED', []],
  ])('%s while nothing is typed', async (_how, steps, code, heard) => {
    const talk = await Talk.at(await play(...steps))
    await expect(talk.over).rejects.toMatchObject({ code })
    expect(talk.heard).toEqual(heard)
    await expect(talk.type('noop')).rejects.toMatchObject({ code })
  })

  it.each<[string, readonly Step[], string, readonly string[]]>([
    ['behind its reply', [send('-ERR no\r\n'), fin()], 'POP3_TEMPORARY', ['-ERR no']],
    ['instead of a reply', [fin()], 'NET_CLOSED', []],
    ['within a listing', [send('+OK\r\n1 2\r\n'), fin()], 'NET_CLOSED', ['+OK', '1 2']],
    ['with what is no reply', [send('Hello\r\n')], 'POP3_OUT_OF_STEP', ['Hello']],
  ])('%s', async (_how, steps, code, heard) => {
    const talk = await Talk.at(await play(expectLine('list'), ...steps))
    const reply = talk.type('list').catch(() => undefined)
    await expect(talk.over).rejects.toMatchObject({ code })
    await reply
    // What it said is heard once.
    expect(talk.heard).toEqual(heard)
  })

  it('by silence, where a reply is due', async () => {
    const forever = gate()
    const server = await play(expectLine('noop'), hold(forever.opened))
    const talk = await Talk.at(server, { command: 20 })
    await expect(talk.type('noop')).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    await expect(talk.over).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    forever.open()
  })
})

describe('secrets of a session by hand', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64')
  const plain = encoded(`\0me\0${CANARY}`)
  const bearer = encoded(`user=me\x01auth=Bearer ${CANARY}\x01\x01`)

  it.each<[string, readonly string[], string]>([
    ['PASS', [`pass ${CANARY}`], 'C: pass ***'],
    ['APOP', [`APOP me ${CANARY}`], 'C: APOP me ***'],
    ['AUTH in one line', [`auth plain ${plain}`], 'C: auth plain ***'],
    ['AUTH XOAUTH2', [`auth xoauth2 ${bearer}`], 'C: auth xoauth2 ***'],
    ['AUTH in two', ['auth plain', plain], 'C: ***'],
    ['LOGIN', ['auth login', encoded('user'), encoded(CANARY)], 'C: ***'],
    ['what is no base64', ['auth plain', CANARY], 'C: ***'],
  ])('are masked in trace and replies: %s', async (_name, typed, traced) => {
    const [last = ''] = typed.slice(-1)
    const server = await play(
      ...typed.slice(0, -1).flatMap((line) => answer(line, '+ \r\n')),
      ...answer(last, `-ERR what is ${CANARY} and ${plain}?\r\n`),
      ...quit,
    )
    const talk = await Talk.at(server)
    for (const line of typed) {
      await talk.type(line)
      expect(talk.hand.isChallenged).toBe(line !== last)
    }
    await talk.type('quit')
    await talk.over
    const all = JSON.stringify([talk.heard, talk.trace])
    expect(all).toContain('-ERR what is ***')
    expect(all).not.toContain(CANARY)
    if (last.includes(plain)) expect(all).not.toContain(plain)
    expect(talk.trace).toContain(traced)
  })

  it('are not sent where the connection is not trusted', async () => {
    const sent: unknown[] = []
    const connection = {
      isTrusted: false,
      take: () => undefined,
      write: (octets: unknown) => sent.push(octets),
    }
    const wire = new Wire(connection as unknown as Connection, undefined)
    const hand = new SessionByHand(wire, TIMEOUTS, async () => undefined)
    for (const line of [`pass ${CANARY}`, `auth plain ${plain}`, `apop me ${CANARY}`]) {
      await expect(hand.type(line)).rejects.toMatchObject({ code: 'NET_POLICY' })
    }
    expect(sent).toEqual([])
  })

  it('may be withheld: * cancels', async () => {
    const server = await play(
      ...answer('auth cram-md5', '+ PDEuMkBleGFtcGxlPg==\r\n'),
      ...answer('*', '-ERR cancelled\r\n'),
      ...quit,
    )
    const talk = await Talk.at(server)
    expect(await talk.type('auth cram-md5')).toEqual(['+ PDEuMkBleGFtcGxlPg=='])
    expect(await talk.type('*')).toEqual(['-ERR cancelled'])
    expect(talk.hand.isChallenged).toBe(false)
    await talk.type('quit')
    await talk.over
  })
})

describe('a line that cannot be sent', () => {
  it.each([
    ['STLS, behind which nothing would be protected as asked for', 'stls'],
    ['a line break', 'noop\rdele 1'],
    ['NUL', 'noop\0'],
    ['one too long', `noop ${'x'.repeat(70_000)}`],
  ])('is %s; the session goes on', async (_what, line) => {
    const server = await play(...quit)
    const talk = await Talk.at(server)
    await expect(talk.type(line)).rejects.toMatchObject({ code: 'POP3_ARGUMENT' })
    expect(await talk.type('quit')).toEqual(['+OK bye'])
    await talk.over
    expect(server.connections[0]?.receivedText).toBe('quit\r\n')
  })
})

it('masks the password where a listing says it back', async () => {
  const server = await play(
    expectLine(`PASS ${CANARY}`),
    send('+OK\r\n'),
    expectLine('CAPA'),
    send(`+OK\r\nTOP\r\nX-ECHO ${CANARY}\r\n.\r\n`),
    closed(),
  )
  const talk = await Talk.at(server)
  await talk.type(`PASS ${CANARY}`)
  expect(await talk.type('CAPA')).toEqual(['+OK', 'TOP', 'X-ECHO ***', '.'])
  talk.hand.close()
})
