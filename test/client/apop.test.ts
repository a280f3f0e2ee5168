import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import { closed, expectLine, type Step, scriptedServer, send } from '../support/scripted-server.ts'
import { announcing, lastCapa, openAt, password } from './conversation.ts'

const stamp = '<1896.697170952@dbc.mtview.ca.us>'
const greeting = (text: string, ...steps: readonly Step[]): Step[] => [
  send(`+OK ${text}\r\n`),
  ...announcing([]).slice(1),
  ...steps,
]

describe('APOP', () => {
  it('is sent as RFC 1939 section 7 has it, where it is asked for', async () => {
    await using server = await scriptedServer(
      greeting(
        `POP3 server ready ${stamp} at your service`,
        expectLine('APOP mrose c4c9334bac560ecc979e58001b3e22fb'),
        send('+OK maildrop has 1 message (369 octets)\r\n'),
        ...lastCapa,
      ),
    )
    const mrose = { user: 'mrose', credential: password('tanstaaf') }
    const session = await openAt(server, { ...mrose, auth: 'APOP' })
    expect(session.facts.mechanism).toBe('APOP')
    session.close()
    await server.played()
  })

  it('is tried once', async () => {
    await using server = await scriptedServer(
      greeting(stamp, expectLine(/^APOP/), send('-ERR permission denied\r\n'), closed()),
    )
    await expect(openAt(server, { auth: 'APOP' })).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      mechanism: 'APOP',
    })
    await server.played()
    expect(server.connections).toHaveLength(1)
  })

  it.each(['ready', '<a@b\x7f>', '<@>', '<a b@c>', '<a@b\xe4>', '<'.repeat(2_000)])(
    'is not sent for the greeting %j',
    async (text) => {
      await using server = await scriptedServer(greeting(text, closed()))
      await expect(openAt(server, { auth: 'APOP' })).rejects.toMatchObject({
        code: 'LOGIN_NO_MECHANISM',
        message: expect.stringContaining('timestamp'),
      })
      await server.played()
      expect(server.connections[0]?.receivedText).toBe('CAPA\r\n')
    },
  )

  it('is not sent for a timestamp that came before', async () => {
    const refused = greeting(stamp, expectLine(/^APOP/), send('-ERR no\r\n'), closed())
    await using server = await scriptedServer(refused, greeting(stamp, closed()))
    const { host, port } = server
    const maildrop = createMaildrop({
      ...{ host, port, user: 'me', credential: password('secret'), auth: 'APOP' },
      ...{ tls: 'none', pipelining: true },
    })
    const { signal } = new AbortController()
    await expect(maildrop.open(signal)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await expect(maildrop.open(signal)).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    await server.played()
    expect(server.connections[1]?.receivedText).toBe('CAPA\r\n')
  })

  it('has its digest masked where the server says it back', async () => {
    const digest = createHash('md5').update(`${stamp}secret`).digest('hex')
    await using server = await scriptedServer(
      greeting(
        stamp,
        ...[expectLine(`APOP me ${digest}`), send(`-ERR ${digest} or ${digest.toUpperCase()}\r\n`)],
        closed(),
      ),
    )
    const trace: string[] = []
    const opened = openAt(server, { auth: 'APOP', trace: (line) => trace.push(line) })
    await expect(opened).rejects.toMatchObject({ serverText: '-ERR *** or ***' })
    expect(trace.join().toLowerCase()).not.toContain(digest)
    expect(trace).toContain('C: APOP me ***')
  })
})
