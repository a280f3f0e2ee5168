import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Exchange, runPipeline } from '../../src/client/pipeline.ts'
import { TIMEOUTS } from '../../src/client/timeouts.ts'
import { PIPELINED } from '../../src/client/window.ts'
import { Wire } from '../../src/client/wire.ts'
import { connect } from '../../src/net/connect.ts'
import {
  chunk,
  closed,
  expectLine,
  expectOctets,
  fin,
  play,
  reset,
  type ScriptedConnection,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { afterLogin, loggedIn, openAt } from './conversation.ts'
import { CollectingReceiver, listed } from './receivers.ts'

const body = (number: number): string => `Subject: ${number}\r\n\r\n..dot ${number}\r\n`
const response = (number: number): string => `+OK\r\n${body(number)}.\r\n`
const text = (number: number): string => body(number).replace('..', '.')

/** Answers `count` RETRs by `answer`, noting how many had come before each answer. */
function answering(
  count: number,
  answer: (number: number) => string,
  outstanding: number[] = [],
): (connection: ScriptedConnection) => Promise<void> {
  return async (connection) => {
    await play(connection, loggedIn())
    for (let answered = 0; answered < count; answered += 1) {
      const line = await connection.expectLine(/^RETR \d+$/)
      // Whatever the client would still send has time to come.
      for (let turn = 0; turn < 5; turn += 1) await nextTurn()
      outstanding.push((connection.receivedText.match(/RETR/g)?.length ?? 0) - answered)
      await connection.send(answer(Number(line.slice(5))))
    }
    await connection.closed()
  }
}

describe('retrieve', () => {
  it('keeps no more commands outstanding than the window holds, refilled in bursts', async () => {
    const outstanding: number[] = []
    await using server = await scriptedServer(answering(250, response, outstanding))
    // One that cannot grow: whether it would hangs on the machine.
    const session = await openAt(server, { window: 100 })
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(250), receiver)
    session.close()
    await server.played()
    expect(Math.max(...outstanding)).toBe(100)
    // Four bursts: 100, then again whenever half of the window was answered.
    const refills = outstanding.filter((now, at) => at > 0 && now >= (outstanding[at - 1] ?? 0))
    expect(refills.length).toBeLessThanOrEqual(4)
    expect([...receiver.complete]).toEqual(
      listed(250).map(({ messageNumber }) => [messageNumber, text(messageNumber)]),
    )
  })

  it.each([1, 2, 3])('takes responses in chunks of %i octets', async (octets) => {
    const responses = listed(5).map(({ messageNumber }) => send(response(messageNumber)))
    const commands = listed(5).map(({ messageNumber }) => `RETR ${messageNumber}\r\n`)
    await using server = await scriptedServer(
      afterLogin([expectOctets(commands.join('')), chunk(octets), ...responses, closed()]),
    )
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(5), receiver)
    session.close()
    await server.played()
    expect([...receiver.complete.values()]).toEqual([1, 2, 3, 4, 5].map(text))
  })

  it('goes on behind one -ERR among 100', async () => {
    const answer = (number: number): string =>
      number === 37 ? '-ERR Message 37 expunged.\r\n' : response(number)
    await using server = await scriptedServer(answering(100, answer))
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(100), receiver)
    session.close()
    expect(receiver.complete.size).toBe(99)
    expect(receiver.refusals).toEqual([[37, '-ERR Message 37 expunged.']])
  })

  it('asks NOOP after five -ERR in a row, and goes on one at a time', async () => {
    const refusals = '-ERR no\r\n'.repeat(100)
    await using server = await scriptedServer(
      afterLogin([
        expectOctets(
          listed(100)
            .map((row) => `RETR ${row.messageNumber}\r\n`)
            .join(''),
        ),
        send(refusals),
        expectOctets('NOOP\r\n'),
        send('+OK\r\n'),
        expectOctets('RETR 101\r\n'),
        send(response(101)),
        expectOctets('RETR 102\r\n'),
        send(response(102)),
        closed(),
      ]),
    )
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(102), receiver)
    session.close()
    await server.played()
    expect(receiver.refusals).toHaveLength(100)
    expect([...receiver.complete.keys()]).toEqual([101, 102])
  })

  it('ends the session where NOOP is refused as well', async () => {
    await using server = await scriptedServer(
      afterLogin([
        expectLine('RETR 1'),
        send('-ERR no\r\n'.repeat(100)),
        ...Array.from({ length: 99 }, () => expectLine(/^RETR/)),
        expectLine('NOOP'),
        send('-ERR Too many bad commands.\r\n'),
        closed(),
      ]),
    )
    const session = await openAt(server)
    await expect(session.retrieve(listed(102), new CollectingReceiver())).rejects.toMatchObject({
      code: 'POP3_TEMPORARY',
      serverText: '-ERR Too many bad commands.',
    })
  })

  it.each([
    ['FIN', fin()],
    ['RST', reset()],
  ])('abandons the message that %s cuts, and keeps those before', async (title, cut) => {
    await using server = await scriptedServer(
      afterLogin([expectLine('RETR 1'), send(`${response(1)}+OK\r\nhalf\r\n.`), cut]),
    )
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await expect(session.retrieve(listed(3), receiver)).rejects.toMatchObject({
      code: 'NET_CLOSED',
    })
    // A reset may drop what the kernel had not handed over yet.
    expect([...receiver.complete.keys()].every((number) => number === 1)).toBe(true)
    expect(receiver.complete.has(2)).toBe(false)
    if (title === 'FIN') expect(receiver.abandoned).toEqual([2])
  })

  it('is out of step where a body goes on behind its end (server without byte-stuffing)', async () => {
    await using server = await scriptedServer(
      afterLogin([expectLine('RETR 1'), send('+OK\r\na\r\n.\r\nrest of the mail\r\n'), closed()]),
    )
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await expect(session.retrieve(listed(2), receiver)).rejects.toMatchObject({
      code: 'POP3_OUT_OF_STEP',
      serverText: 'rest of the mail',
    })
    await server.played()
  })

  it('gives up when no octet comes for too long', async () => {
    await using server = await scriptedServer(
      afterLogin([expectLine('RETR 1'), send('+OK\r\nhalf'), closed()]),
    )
    const session = await openAt(server, { timeouts: { data: 50 } })
    const receiver = new CollectingReceiver()
    await expect(session.retrieve(listed(1), receiver)).rejects.toMatchObject({
      code: 'NET_TIMEOUT',
    })
    expect(receiver.abandoned).toEqual([1])
  })

  it('stops reading while a sink makes it wait', async () => {
    const piece = Buffer.alloc(64 * 1024, 'x')
    const pieces = 1024
    let sent = 0
    await using server = await scriptedServer(async (connection) => {
      await play(connection, loggedIn())
      await connection.expectLine('RETR 1')
      await connection.send('+OK\r\n')
      while (sent < pieces) {
        await connection.send(piece)
        sent += 1
      }
      await connection.send('\r\n.\r\n')
    })
    const controller = new AbortController()
    const session = await openAt(server, {}, controller.signal)
    let release = (): void => {}
    let writes = 0
    const retrieved = session.retrieve(listed(1), {
      begin: () => ({
        write: () => {
          writes += 1
          if (writes > 1) return undefined
          return new Promise((resolve) => {
            release = resolve
          })
        },
        end: () => undefined,
        abandon: () => {},
      }),
      refused: () => {},
      inStep: () => {},
    })
    // The server comes to a stand when all buffers between the two are full.
    let before = -1
    for (let turn = 0; turn < 100_000 && (sent === 0 || sent !== before); turn += 1) {
      before = sent
      for (let wait = 0; wait < 200; wait += 1) await nextTurn()
    }
    expect(writes).toBe(1)
    expect(sent).toBeLessThan(pieces)
    release()
    await retrieved
    expect(sent).toBe(pieces)
    session.close()
  })

  it('closes without QUIT where a sink fails, and abandons its message', async () => {
    await using server = await scriptedServer(
      afterLogin([expectLine('RETR 1'), send(response(1)), closed()]),
    )
    const session = await openAt(server)
    const full = new Error('disk full')
    let abandoned = 0
    const retrieved = session.retrieve(listed(2), {
      begin: () => ({
        write: () => Promise.reject(full),
        end: () => undefined,
        abandon: () => {
          abandoned += 1
        },
      }),
      refused: () => {},
      inStep: () => {},
    })
    await expect(retrieved).rejects.toBe(full)
    expect(abandoned).toBe(1)
    expect(await session.quit()).toBe('lost')
    await server.played()
    expect(server.connections[0]?.receivedText).not.toContain('QUIT')
  })

  it('takes a server of bare line ends', async () => {
    const bare = (steps: string): string => steps.replaceAll('\r\n', '\n')
    await using server = await scriptedServer([
      send('+OK ready\n'),
      expectLine('CAPA'),
      send('-ERR\n'),
      expectLine('USER me'),
      send('+OK\n'),
      expectLine('PASS secret'),
      send('+OK\n'),
      expectLine('CAPA'),
      send('-ERR\n'),
      expectLine('RETR 1'),
      send(bare(response(1))),
      closed(),
    ])
    const session = await openAt(server)
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(1), receiver)
    session.close()
    expect(receiver.complete.get(1)).toBe(bare(text(1)))
  })
})

it('asks a server that is far away for more at once, as many as it answers within a round trip', async () => {
  let now = 0
  const outstanding: number[] = []
  await using server = await scriptedServer(async (connection) => {
    await connection.send('+OK ready\r\n')
    await connection.expectLine('NOOP')
    now += 50
    await connection.send('+OK\r\n')
    for (let answered = 0; answered < 4000; ) {
      const first = await connection.expectLine(/^RETR \d+$/)
      // Whatever is on its way comes in; then the wire takes its time.
      for (let turn = 0; turn < 20; turn += 1) await nextTurn()
      const asked = (connection.receivedText.match(/RETR/g)?.length ?? 0) - answered
      outstanding.push(asked)
      now += 50
      let replies = response(Number(first.slice(5)))
      for (let more = 1; more < asked; more += 1) {
        replies += response(Number((await connection.expectLine(/^RETR \d+$/)).slice(5)))
      }
      answered += asked
      await connection.send(replies)
    }
    await connection.closed()
  })
  const { host, port } = server
  const connection = await connect({ host, port, tls: 'none', timeoutMs: 5_000 })
  const wire = new Wire(connection, undefined, () => now)
  await wire.event(5_000)
  await wire.ask({ keyword: 'NOOP' }, 5_000)
  expect(wire.roundTripMs).toBe(50)
  const receiver = new CollectingReceiver()
  const exchange: Exchange = {
    command: ({ messageNumber }) => ({ keyword: 'RETR', messageNumber, listedOctets: 20 }),
    expectedOctets: () => 20,
    accepted: (row) => receiver.begin(row),
    refused: () => {},
  }
  const options = { limits: PIPELINED, timeouts: TIMEOUTS }
  const limits = await runPipeline(wire, listed(4000), exchange, options)
  wire.close()
  await server.played()
  expect(outstanding[0]).toBe(100)
  expect(Math.max(...outstanding)).toBe(1000)
  expect(limits.commands).toBe(1000)
  expect(receiver.complete.size).toBe(4000)
})
