import { afterEach, describe, expect, it } from 'vitest'
import { type Heard, SessionByHand } from '../../src/client/by-hand.ts'
import { greet } from '../../src/client/greeting.ts'
import { TIMEOUTS, type Timeouts } from '../../src/client/timeouts.ts'
import { latin1 } from '../support/chunkings.ts'
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
})
