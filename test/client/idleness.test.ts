import { afterEach, describe, expect, it, vi } from 'vitest'
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
import { afterLogin, openAt } from './conversation.ts'
import { CollectingReceiver, listed } from './receivers.ts'

/** Time stands still, but where the test says so. */
const stopTime = () => vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

afterEach(() => {
  vi.useRealTimers()
})

const idle = { timeouts: { idle: 20 } }
const stat = [expectLine('STAT'), send('+OK 1 10\r\n')]
const noop = [expectLine('NOOP'), send('+OK\r\n')]
const quit = [expectLine('QUIT'), send('+OK\r\n'), closed()]

/** The script up to here was played: the server waits for what comes next. */
const reached =
  ({ open }: ReturnType<typeof gate>) =>
  () =>
    open()

describe('a session that nobody asks anything', () => {
  it('says NOOP, again and again, and goes on with what is asked next', async () => {
    const heardTwo = gate()
    await using server = await scriptedServer(
      afterLogin([...stat, ...noop, ...noop, reached(heardTwo), answerNoops('STAT')]),
    )
    const session = await openAt(server, idle)
    await session.stat()
    await heardTwo.opened
    expect(await session.stat()).toEqual({ messages: 1, octets: 10 })
    session.close()
    await server.played()
  })

  it('begins no command before the reply to NOOP is there', async () => {
    const heard = gate()
    const asked = gate()
    await using server = await scriptedServer(
      afterLogin([
        ...[expectLine('NOOP'), reached(heard), hold(asked.opened), send('+OK\r\n')],
        ...[expectLine('STAT'), send('+OK 2 20\r\n'), closed()],
      ]),
    )
    const session = await openAt(server, idle)
    await heard.opened
    const asking = session.stat()
    asked.open()
    expect(await asking).toEqual({ messages: 2, octets: 20 })
    session.close()
    await server.played()
  })

  it('sends none in the middle of a response, however slow', async () => {
    stopTime()
    const more = gate()
    await using server = await scriptedServer(
      afterLogin(
        [
          expectLine('RETR 1'),
          send('+OK\r\nSubject: x\r\n'),
          hold(more.opened),
          send('\r\nbody\r\n.\r\n'),
          answerNoops('QUIT'),
        ],
        { capabilities: [] },
      ),
    )
    const session = await openAt(server, idle)
    const begun = gate()
    const receiver = new CollectingReceiver()
    const retrieved = session.retrieve(listed(1), {
      begin: (row) => {
        begun.open()
        return receiver.begin(row)
      },
      refused: () => {},
      inStep: () => {},
    })
    await begun.opened
    // Several times what it takes to be idle.
    vi.advanceTimersByTime(100)
    more.open()
    await retrieved
    expect(await session.quit()).toBe('done')
    await server.played()
    const [connection] = server.connections
    const [, afterRetrieval] = connection?.receivedText.split('RETR 1\r\n') ?? []
    expect(afterRetrieval).toBe('QUIT\r\n')
  })

  it('tells at the next command why the server ended it meanwhile', async () => {
    const said = gate()
    await using server = await scriptedServer(
      afterLogin([
        ...[...stat, expectLine('NOOP'), send('-ERR Autologout; idle for too long\r\n'), fin()],
        ...[reached(said), closed()],
      ]),
    )
    const session = await openAt(server, idle)
    await session.stat()
    await said.opened
    await expect(session.stat()).rejects.toMatchObject({
      code: expect.stringMatching(/^(POP3_TEMPORARY|NET_CLOSED)$/),
    })
    session.close()
  })

  it('says no more once it is closed', async () => {
    stopTime()
    await using server = await scriptedServer(afterLogin([...quit]))
    const session = await openAt(server, idle)
    expect(await session.quit()).toBe('done')
    await server.played()
    expect(vi.getTimerCount()).toBe(0)
    expect(server.connections[0]?.receivedText).not.toContain('NOOP')
  })
})

/** Answers each NOOP, and at last this command. */
function answerNoops(last: string): Exclude<Script, readonly unknown[]> {
  return async (connection) => {
    for (
      let line = await connection.nextLine();
      line !== undefined;
      line = await connection.nextLine()
    ) {
      await connection.send(line === 'STAT' ? '+OK 1 10\r\n' : '+OK\r\n')
      if (line === last) return
    }
    throw new Error(`closed before ${last}`)
  }
}
