import { describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import type { Maildrop } from '../../src/sync/ports/maildrop.ts'
import {
  chunk,
  closed,
  expectLine,
  expectOctets,
  fin,
  reset,
  type Script,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { afterLogin, loggedIn, openAt } from './conversation.ts'
import { CollectingReceiver, listed } from './receivers.ts'

const withoutPipelining = { capabilities: ['TOP', 'UIDL'] }

describe('Session', () => {
  it('has the shape that the engine asks for', () => {
    const maildrop: Maildrop = createMaildrop({
      ...{
        host: '127.0.0.1',
        port: 1,
        user: 'me',
        credential: { type: 'password', secret: 'x' },
        tls: 'none',
        pipelining: true,
      },
    })
    expect(maildrop.open).toBeTypeOf('function')
  })

  it('joins UIDL and LIST, sent in one write where pipelined', async () => {
    await using server = await scriptedServer(
      afterLogin([
        expectLine('STAT'),
        send('+OK 3 600\r\n'),
        expectOctets('UIDL\r\nLIST\r\n'),
        chunk(1),
        send('+OK\r\n1 a\r\n2  b c\r\n4 d\r\n.\r\n+OK\r\n1 100\r\n2 200\r\n3 300\r\n.\r\n'),
        expectLine('QUIT'),
        send('+OK\r\n'),
      ]),
    )
    const session = await openAt(server)
    expect(session.pipelined).toBe(true)
    expect(await session.stat()).toEqual({ messages: 3, octets: 600 })
    const heard: number[] = []
    const { rows, hasUniqueIds } = await session.listing((count) => heard.push(count))
    expect(hasUniqueIds).toBe(true)
    expect(rows.all).toEqual([
      { messageNumber: 1, octets: 100, uniqueId: 'a' },
      { messageNumber: 2, octets: 200, uniqueId: 'b c' },
    ])
    expect(heard.at(-1)).toBe(3)
    expect(heard).toEqual(heard.toSorted((a, b) => a - b))
    expect(await session.quit()).toBe('done')
    await server.played()
  })

  it('lists without unique-ids where UIDL is refused and was not announced', async () => {
    await using server = await scriptedServer(
      afterLogin(
        [
          expectLine('UIDL'),
          send('-ERR unknown command\r\n'),
          expectLine('LIST'),
          send('+OK\r\n1 10\r\n.\r\n'),
          expectLine('LAST'),
          send('+OK 4 is the last read message.\r\n'),
        ],
        { capabilities: [] },
      ),
    )
    const session = await openAt(server)
    const { rows, hasUniqueIds } = await session.listing()
    expect(rows.all).toEqual([{ messageNumber: 1, octets: 10, uniqueId: undefined }])
    expect(hasUniqueIds).toBe(false)
    expect(await session.last()).toBe(4)
    session.close()
    await server.played()
  })

  it('takes a refused UIDL for a passing trouble where it was announced', async () => {
    await using server = await scriptedServer(
      afterLogin([expectOctets('UIDL\r\nLIST\r\n'), send('-ERR unknown\r\n+OK\r\n1 10\r\n.\r\n')]),
    )
    const session = await openAt(server)
    await expect(session.listing()).rejects.toMatchObject({
      code: 'POP3_TEMPORARY',
      serverText: '-ERR unknown',
    })
    session.close()
  })

  it('reports an -ERR that came in place of the first reply, then the end (Dovecot)', async () => {
    await using server = await scriptedServer([
      ...loggedIn().slice(0, -1),
      send('-ERR [SYS/TEMP] mailbox cannot be opened\r\n'),
      fin(),
    ])
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'POP3_TEMPORARY',
      responseCode: 'SYS/TEMP',
    })
  })

  it('deletes only what STAT proves to be the same session', async () => {
    await using server = await scriptedServer(
      afterLogin([
        expectLine('STAT'),
        send('+OK 2 300\r\n'),
        expectLine('STAT'),
        send('+OK 2 300\r\n'),
        expectOctets('DELE 1\r\nDELE 2\r\nSTAT\r\n'),
        send('+OK\r\n-ERR already deleted\r\n+OK 1 200\r\n'),
        expectLine('STAT'),
        send('+OK 1 200\r\n'),
        expectOctets('DELE 2\r\nSTAT\r\n'),
        send('+OK\r\n+OK 0 0\r\n'),
        expectLine('STAT'),
        send('+OK 120 octets\r\n'),
        closed(),
      ]),
    )
    const session = await openAt(server)
    await session.stat()
    expect(await session.delete(listed(2))).toEqual(listed(1))
    expect(await session.delete(listed(2).slice(1))).toHaveLength(1)
    await expect(session.delete(listed(2))).rejects.toMatchObject({ code: 'POP3_OUT_OF_STEP' })
    await server.played()
    expect(server.connections[0]?.receivedText).not.toContain('QUIT')
  })

  it.each<[string, Script, string]>([
    ['refused', [expectLine('QUIT'), send('-ERR some not removed\r\n')], 'refused'],
    ['lost', [expectLine('QUIT'), fin()], 'lost'],
    ['reset', [expectLine('QUIT'), reset()], 'lost'],
    ['not answered in time', [expectLine('QUIT'), closed()], 'lost'],
  ])('says how QUIT ended: %s', async (title, steps, outcome) => {
    await using server = await scriptedServer([...loggedIn(), ...(steps as readonly never[])])
    const isSilent = title === 'not answered in time'
    const session = await openAt(server, isSilent ? { timeouts: { quit: 100 } } : {})
    expect(await session.quit()).toBe(outcome)
  })

  it('sends no QUIT once octets came that no command asked for', async () => {
    await using server = await scriptedServer(
      afterLogin([send('-ERR Disconnected for inactivity.\r\n'), closed()]),
    )
    const session = await openAt(server)
    // The answer to a command would be behind the unsolicited line.
    await expect(session.stat()).rejects.toMatchObject({
      serverText: '-ERR Disconnected for inactivity.',
    })
    expect(await session.quit()).toBe('lost')
    await server.played()
    expect(server.connections[0]?.receivedText).not.toContain('QUIT')
  })

  it('hands over header sections, and undefined where TOP is refused', async () => {
    await using server = await scriptedServer(
      afterLogin([
        expectLine('TOP 1 0'),
        send('-ERR gone\r\n'),
        expectOctets('TOP 2 0\r\nTOP 3 0\r\n'),
        chunk(1),
        send('+OK\r\nSubject: b\r\n\r\n.\r\n+OK\r\n.\r\n'),
        closed(),
      ]),
    )
    const session = await openAt(server)
    const seen: (readonly [number, string | undefined])[] = []
    const hasTop = await session.headers(listed(3), ({ messageNumber }, header) => {
      seen.push([messageNumber, header && Buffer.from(header).toString()])
    })
    expect(hasTop).toBe(true)
    expect(seen).toEqual([
      [1, undefined],
      [2, 'Subject: b\r\n\r\n'],
      [3, ''],
    ])
    session.close()
  })

  it.each<[string, Script, string]>([
    ['doubled', [send('+OK\r\nSubject: b\r\n\r\n.\r\n'.repeat(2))], 'POP3_OUT_OF_STEP'],
    ['lost', [], 'POP3_OUT_OF_STEP'],
  ])('proves header sections in step, where a reply is %s', async (_title, second, code) => {
    await using server = await scriptedServer(
      afterLogin([
        ...[expectLine('STAT'), send('+OK 3 300\r\n')],
        ...[expectOctets('TOP 1 0\r\nSTAT\r\n'), send('+OK\r\n\r\n.\r\n+OK 3 300\r\n')],
        expectOctets('TOP 2 0\r\nTOP 3 0\r\nSTAT\r\n'),
        ...(second as readonly never[]),
        send('+OK\r\nSubject: c\r\n\r\n.\r\n+OK 3 300\r\n'),
        closed(),
      ]),
    )
    const session = await openAt(server)
    await session.stat()
    await expect(session.headers(listed(3), () => {})).rejects.toMatchObject({ code })
    await server.played()
    expect(server.connections[0]?.receivedText).not.toContain('QUIT')
  })

  it('proves header sections in step where one command is sent at a time', async () => {
    await using server = await scriptedServer(
      afterLogin(
        [
          ...[expectLine('STAT'), send('+OK 2 200\r\n')],
          ...[expectLine('TOP 1 0'), send('+OK\r\n\r\n.\r\n')],
          ...[expectLine('STAT'), send('+OK 2 200\r\n')],
          ...[expectLine('TOP 2 0'), send('+OK\r\n\r\n.\r\n')],
          ...[expectLine('STAT'), send('+OK\r\nSubject: a\r\n\r\n.\r\n'), closed()],
        ],
        withoutPipelining,
      ),
    )
    const session = await openAt(server)
    await session.stat()
    await expect(session.headers(listed(2), () => {})).rejects.toMatchObject({
      code: 'POP3_OUT_OF_STEP',
    })
    await server.played()
  })

  it('proves header sections in step each 50 rows', async () => {
    const top = (row: number): string => `TOP ${row} 0\r\n`
    const header = '+OK\r\n\r\n.\r\n'
    const rows = Array.from({ length: 50 }, (_, n) => n + 2)
    await using server = await scriptedServer(
      afterLogin([
        ...[expectLine('STAT'), send('+OK 52 5200\r\n')],
        ...[expectOctets('TOP 1 0\r\nSTAT\r\n'), send(`${header}+OK 52 5200\r\n`)],
        expectOctets(`${rows.map(top).join('')}STAT\r\n${top(52)}STAT\r\n`),
        send(`${header.repeat(51)}+OK 52 5200\r\n`),
        closed(),
      ]),
    )
    const session = await openAt(server)
    await session.stat()
    await expect(session.headers(listed(52), () => {})).rejects.toMatchObject({
      code: 'POP3_OUT_OF_STEP',
    })
    await server.played()
  })

  it.each<[string, string, number]>([
    ['its row', '+OK 1 100 octets', 1],
    ['the row of another message', '+OK 2 100', 0],
    ['other octets', '+OK 1 200', 0],
    ['what RETR can have', '+OK 100 octets', 0],
    ['-ERR', '-ERR what?', 0],
    ['nothing', '+OK', 0],
  ])(
    'asks for the row of a message where STAT holds no count, and gets %s',
    async (_title, row, inSteps) => {
      await using server = await scriptedServer(
        afterLogin([
          ...[expectLine('STAT'), send('+OK ready\r\n'), expectOctets('UIDL\r\nLIST\r\n')],
          send('+OK\r\n1 a\r\n2 b\r\n.\r\n+OK\r\n1 100\r\n2 100\r\n.\r\n'),
          expectOctets('RETR 1\r\nRETR 2\r\nLIST 1\r\n'),
          send(`+OK\r\na\r\n.\r\n+OK\r\nb\r\n.\r\n${row}\r\n`),
          closed(),
        ]),
      )
      const session = await openAt(server)
      expect(await session.stat()).toEqual({ messages: 2, octets: undefined })
      const receiver = new CollectingReceiver()
      const retrieval = session.retrieve(listed(2), receiver)
      if (inSteps > 0) await retrieval
      else await expect(retrieval).rejects.toMatchObject({ code: 'POP3_OUT_OF_STEP' })
      expect(receiver.inSteps).toBe(inSteps)
      expect(receiver.complete.size).toBe(2)
      session.close()
    },
  )

  it('asks once where the server has no TOP', async () => {
    await using server = await scriptedServer(
      afterLogin([expectLine('TOP 1 0'), send('-ERR unknown\r\n'), closed()], {
        capabilities: ['UIDL'],
      }),
    )
    const session = await openAt(server)
    const received: ListedMessage[] = []
    expect(await session.headers(listed(3), (row) => received.push(row))).toBe(false)
    expect(received).toEqual([])
    session.close()
    await server.played()
  })

  it('sends one command at a time where PIPELINING is not announced after login', async () => {
    await using server = await scriptedServer(
      afterLogin(
        [
          expectOctets('RETR 1\r\n'),
          send('+OK\r\na\r\n.\r\n'),
          expectOctets('RETR 2\r\n'),
          send('+OK\r\nb\r\n.\r\n'),
          closed(),
        ],
        withoutPipelining,
      ),
    )
    const session = await openAt(server)
    expect(session.pipelined).toBe(false)
    const receiver = new CollectingReceiver()
    await session.retrieve(listed(2), receiver)
    session.close()
    await server.played()
    expect([...receiver.complete]).toEqual([
      [1, 'a\r\n'],
      [2, 'b\r\n'],
    ])
  })

  it('is closed by its signal, and says why', async () => {
    const controller = new AbortController()
    await using server = await scriptedServer(afterLogin([expectLine('STAT'), closed()]))
    const session = await openAt(server, {}, controller.signal)
    const stat = session.stat()
    controller.abort()
    await expect(stat).rejects.toBe(controller.signal.reason)
    await expect(session.stat()).rejects.toBe(controller.signal.reason)
  })
})
