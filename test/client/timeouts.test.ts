/**
 * Each phase has a limit of its own. A server falls silent in it: only that limit is short, so whoever waits by another one
 * waits for a minute at least, and the test fails.
 */
import { describe, expect, it } from 'vitest'
import type { Session } from '../../src/client/session.ts'
import type { Timeouts } from '../../src/client/timeouts.ts'
import { closed, expectLine, type Step, scriptedServer, send } from '../support/scripted-server.ts'
import { loggedIn, openAt } from './conversation.ts'
import { CollectingReceiver, listed } from './receivers.ts'

/** Long enough for what comes before in the same phase, also on a busy machine. */
const SHORT_MS = 1_500

const ONE_COMMAND_AT_A_TIME = { pipelining: false }
const list = '+OK\r\n1 100\r\n2 100\r\n.\r\n'
const stat = [expectLine('STAT'), send('+OK 2 200\r\n')]
const dele = [
  ...[...stat, expectLine('DELE 1'), send('+OK\r\n')],
  ...[expectLine('STAT'), send('+OK 1 100\r\n')],
]
const silent = (line: string): readonly Step[] => [expectLine(line), closed()]

const retrieve = (session: Session) => session.retrieve(listed(2), new CollectingReceiver())
const remove = (session: Session) => session.delete(listed(1))

interface Case {
  readonly phase: keyof Timeouts
  readonly where: string
  /** Behind the login. */
  readonly steps: readonly Step[]
  readonly work: (session: Session) => Promise<unknown>
}

const IN_TRANSACTION: readonly Case[] = [
  { phase: 'listing', where: 'at STAT', steps: silent('STAT'), work: (s) => s.stat() },
  { phase: 'listing', where: 'at UIDL', steps: silent('UIDL'), work: (s) => s.listing() },
  {
    ...{ phase: 'listing', where: 'at LIST', work: (s) => s.listing() },
    steps: [expectLine('UIDL'), send(list), ...silent('LIST')],
  },
  {
    ...{ phase: 'data', where: 'within UIDL', work: (s) => s.listing() },
    steps: [expectLine('UIDL'), send('+OK\r\n1 a\r\n'), closed()],
  },
  { phase: 'command', where: 'at LAST', steps: silent('LAST'), work: (s) => s.last() },
  { phase: 'retrieve', where: 'at RETR', steps: silent('RETR 1'), work: retrieve },
  {
    ...{ phase: 'data', where: 'within a message', work: retrieve },
    steps: [expectLine('RETR 1'), send('+OK\r\nSubject: x\r\n'), closed()],
  },
  {
    ...{ phase: 'retrieve', where: 'at TOP', steps: silent('TOP 1 0') },
    work: (s) => s.headers(listed(1), () => {}),
  },
  { phase: 'listing', where: 'at STAT before DELE', steps: silent('STAT'), work: remove },
  { phase: 'command', where: 'at DELE', steps: [...stat, ...silent('DELE 1')], work: remove },
  {
    phase: 'command',
    where: 'at STAT behind DELE',
    steps: dele.slice(0, 4).concat(silent('STAT')),
    work: remove,
  },
]

const IN_AUTHORIZATION: readonly { phase: keyof Timeouts; where: string; steps: Step[] }[] = [
  { phase: 'attempt', where: 'before the greeting', steps: [closed()] },
  { phase: 'command', where: 'at USER', steps: [...loggedIn().slice(0, 4), closed()] },
  { phase: 'login', where: 'at PASS', steps: [...loggedIn().slice(0, 6), closed()] },
]

// They wait for limits, not for the machine: side by side.
describe.concurrent('a server that falls silent', () => {
  it.each(IN_AUTHORIZATION)('$where is left after the time for $phase', async (given) => {
    await using server = await scriptedServer(given.steps)
    const opening = openAt(server, { timeouts: { [given.phase]: SHORT_MS } })
    await expect(opening).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    await server.played()
  })

  it.each(IN_TRANSACTION)('$where is left after the time for $phase', async (given) => {
    await using server = await scriptedServer([...loggedIn(), ...given.steps])
    // CAPA and USER are over before a limit is so short that a busy machine may miss it.
    const options = { ...ONE_COMMAND_AT_A_TIME, timeouts: { [given.phase]: SHORT_MS } }
    const session = await openAt(server, options)
    await expect(given.work(session)).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    session.close()
    await server.played()
  })

  it('at NOOP is left after the time for command, and the next work says so', async () => {
    await using server = await scriptedServer([...loggedIn(), ...silent('NOOP')])
    const session = await openAt(server, { timeouts: { idle: 10, command: SHORT_MS } })
    await server.played()
    await expect(session.stat()).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    session.close()
  })

  it.each([
    ['quit', [...silent('QUIT')]],
    ['update', [...dele, ...silent('QUIT')]],
  ] as const)('at QUIT is left after the time for %s', async (phase, steps) => {
    await using server = await scriptedServer([...loggedIn(), ...steps])
    const session = await openAt(server, {
      ...ONE_COMMAND_AT_A_TIME,
      timeouts: { [phase]: SHORT_MS },
    })
    if (phase === 'update') await session.delete(listed(1))
    expect(await session.quit()).toBe('lost')
    await server.played()
  })
})
