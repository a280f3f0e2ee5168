/** STAT behind the DELEs: what must stand there, and that QUIT is not sent where it does not. */
import { describe, expect, it } from 'vitest'
import {
  closed,
  expectOctets,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { afterLogin, openAt } from './conversation.ts'
import { listed } from './receivers.ts'

const PIPELINED = ['TOP', 'UIDL', 'PIPELINING']
const ONE_BY_ONE = ['TOP', 'UIDL']

/** A server with three messages of 100 octets, up to its replies to the first two DELEs; STAT says `total` before those. */
function toDeletions(total: string, capabilities: readonly string[]): Step[] {
  const says = (command: string, reply: string): Step[] => [
    expectOctets(`${command}\r\n`),
    send(reply),
  ]
  const uidl = '+OK\r\n1 u1\r\n2 u2\r\n3 u3\r\n.\r\n'
  const list = '+OK\r\n1 100\r\n2 100\r\n3 100\r\n.\r\n'
  const stat = says('STAT', `+OK ${total}\r\n`)
  return capabilities === PIPELINED
    ? [
        ...[...stat, ...says('UIDL\r\nLIST', uidl + list), ...stat],
        // In one write: no round trip more.
        ...says('DELE 1\r\nDELE 2\r\nSTAT', '+OK\r\n+OK\r\n'),
      ]
    : [
        ...[...stat, ...says('UIDL', uidl), ...says('LIST', list), ...stat],
        ...[...says('DELE 1', '+OK\r\n'), ...says('DELE 2', '+OK\r\n'), expectOctets('STAT\r\n')],
      ]
}

/** Deletes two of the three; `reply` is what STAT says then. */
async function deleteTwo(
  reply: string,
  { total = '3 300', capabilities = PIPELINED, behind = [closed()] as readonly Step[] } = {},
) {
  await using server = await scriptedServer(
    afterLogin([...toDeletions(total, capabilities), send(`${reply}\r\n`), ...behind], {
      capabilities,
    }),
  )
  const session = await openAt(server)
  await session.stat()
  await session.listing()
  const deleting = session.delete(listed(2))
  const outcome = await deleting.catch((error: unknown) => error)
  if (Array.isArray(outcome)) expect(await session.quit()).toBe('done')
  await server.played()
  return { outcome, said: server.connections[0]?.receivedText ?? '' }
}

describe.each([
  ['pipelined', PIPELINED],
  ['one at a time', ONE_BY_ONE],
])('STAT behind the DELEs, %s', (_how, capabilities) => {
  const changed = ['UnsureDeletionError', '(1 of 3 should be left), so QUIT was not sent'] as const
  const outOfStep = ['ProtocolError', changed[1]] as const
  it.each([
    ['one more is gone', '+OK 0 0', changed],
    ['one more came', '+OK 2 200', changed],
    ['one went and another came', '+OK 1 90', changed],
    ['all are there, and one of them is another', '+OK 3 290', changed],
    ['it has no count', '+OK', outOfStep],
    ['it is refused', '-ERR what', [changed[0], 'the server refused STAT behind DELE'] as const],
  ])('keeps QUIT back where %s', async (_what, serverText, [name, words]) => {
    const { outcome, said } = await deleteTwo(serverText, { capabilities })
    expect(outcome).toMatchObject({
      code: 'POP3_OUT_OF_STEP',
      ...{ serverText, name },
      message: expect.stringContaining(words),
    })
    expect(said).not.toContain('QUIT')
  })

  const ending = [expectOctets('QUIT\r\n'), send('+OK\r\n')]
  it.each([
    ['the others are left', '+OK 1 100', '3 300'],
    ['the server counts what is marked', '+OK 3 300', '3 300'],
    ['only the count tells what is marked', '+OK 1 300', '3 300'],
    ['only the octets tell what is marked, as on qmail-pop3d', '+OK 3 100', '3 300'],
    ['STAT measures otherwise than LIST', '+OK 1 77', '3 288'],
    ['STAT has no octets', '+OK 1', '3'],
  ])('lets QUIT go where %s', async (_what, reply, total) => {
    const { outcome } = await deleteTwo(reply, { total, capabilities, behind: ending })
    expect(outcome).toEqual(listed(2))
  })
})

it('is asked now and then among many DELEs, and the first that differs ends them', async () => {
  const deletions = Array.from({ length: 120 }, (_, index) => `DELE ${index + 1}`)
  let heard = ''
  await using server = await scriptedServer(
    afterLogin(
      [
        async (connection) => {
          let left = 500
          for (let line = await connection.nextLine(); line; line = await connection.nextLine()) {
            heard += `${line} `
            if (line.startsWith('DELE')) left -= line === 'DELE 20' ? 2 : 1
            await connection.send(line === 'STAT' ? `+OK ${left} ${left * 100}\r\n` : '+OK\r\n')
          }
        },
      ],
      { capabilities: ONE_BY_ONE },
    ),
  )
  const session = await openAt(server)
  await session.stat()
  await expect(session.delete(listed(deletions.length))).rejects.toMatchObject({
    code: 'POP3_OUT_OF_STEP',
    serverText: '+OK 449 44900',
  })
  await server.played()
  expect(heard.split('DELE 20 ')[1]).toMatch(/^DELE 21 .* DELE 50 STAT $/)
})
