import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { greet, inspectServer } from '../../src/client/greeting.ts'
import { NetworkError } from '../../src/net/errors.ts'
import { ProtocolError } from '../../src/pop3/errors.ts'
import { makeCertificates } from '../support/certificates.ts'
import {
  chunk,
  closed,
  expectLine,
  fin,
  type Script,
  type ScriptedServer,
  scriptedServer,
  send,
  startTls,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { announcing, lastCapa, openAt } from './conversation.ts'

let folder: TemporaryFolder
let ca: string
let tls: { readonly cert: Buffer; readonly key: Buffer }
beforeAll(() => {
  folder = temporaryFolder('stls')
  const made = makeCertificates(folder.path)
  ca = readFileSync(made.ca, 'utf8')
  tls = { cert: readFileSync(made.certificate), key: readFileSync(made.key) }
})
afterAll(() => folder.remove())

const never = new AbortController().signal
const stls = (server: ScriptedServer) => ({
  ...{ host: 'localhost', port: server.port, tls: 'stls' as const, ca },
  timeouts: { attempt: 5_000 },
})
const plain = Buffer.from('\0me\0secret').toString('base64')

/** All that the client said in clear text and through TLS. */
const said = (server: ScriptedServer): string =>
  server.connections.map(({ receivedText }) => receivedText).join('')

describe('STLS', () => {
  it('goes out at once; what was learned before is forgotten, and the list behind TLS counts', async () => {
    await using server = await scriptedServer([
      send('+OK ready <1.2@clear.example>\r\n'),
      expectLine('STLS'),
      send('+OK begin\r\n'),
      startTls(tls),
      ...announcing(['SASL PLAIN'], expectLine(`AUTH PLAIN ${plain}`), send('+OK\r\n')).slice(1),
      ...lastCapa,
      closed(),
    ])
    const trace: string[] = []
    const session = await openAt(
      { host: '127.0.0.1', port: server.port },
      { ...stls(server), trace: (line) => trace.push(line) },
    )
    expect(session.facts.mechanism).toBe('PLAIN')
    session.close()
    await server.played()
    expect(trace.slice(0, 4)).toEqual([
      'S: +OK ready <1.2@clear.example>',
      'C: STLS',
      'S: +OK begin',
      'C: CAPA',
    ])
  })

  it.each([1, 2, 3])('is understood in segments of %i octets', async (octets) => {
    await using server = await scriptedServer([
      chunk(octets),
      send('+OK ready\r\n'),
      expectLine('STLS'),
      send('+OK\r\n'),
      startTls(tls),
      closed(),
    ])
    const { wire, connection, greeting, firstGreeting } = await greet(stls(server), never)
    expect(connection.isTrusted && connection.isEncrypted).toBe(true)
    expect(greeting).toBeUndefined()
    expect(firstGreeting).toBe('+OK ready')
    wire.close()
    await server.played()
  })

  it.each([
    ['-ERR unknown command'],
    ['-ERR'],
    // Octets behind the refusal are of no more use than those behind +OK.
    ['-ERR no\r\n+OK go on in clear text'],
  ])('that is refused by %j ends the attempt: nothing more is sent', async (reply) => {
    await using server = await scriptedServer([
      send('+OK ready\r\n'),
      expectLine('STLS'),
      send(`${reply}\r\n`),
      closed(),
    ])
    await expect(openAt(server, stls(server))).rejects.toMatchObject({
      code: 'NET_POLICY',
      message: expect.stringMatching(/^the server refuses STLS, and without TLS nothing is sent; /),
      cause: { code: 'POP3_REFUSED', serverText: reply.split('\r\n')[0] },
    })
    await server.played()
    expect(said(server)).toBe('STLS\r\n')
    expect(server.connections).toHaveLength(1)
  })

  it.each(['+OK injected\r\n', '+OK\r\nSASL PLAIN\r\n.\r\n', '-ERR injected\r\n', '\r\n', 'x'])(
    'whose reply has %j behind it in one segment ends the attempt',
    async (injected) => {
      await using server = await scriptedServer([
        send('+OK ready\r\n'),
        expectLine('STLS'),
        send(`+OK begin\r\n${injected}`),
        closed(),
      ])
      const failure = await openAt(server, stls(server)).catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(ProtocolError)
      expect(failure).toMatchObject({ code: 'POP3_OUT_OF_STEP' })
      await server.played()
      // Not even a ClientHello.
      expect(said(server)).toBe('STLS\r\n')
      expect(server.connections).toHaveLength(1)
    },
  )

  it('whose reply is followed by words before the handshake ends the attempt', async () => {
    await using server = await scriptedServer(async (connection) => {
      await connection.send('+OK ready\r\n')
      await connection.expectLine('STLS')
      await connection.send('+OK begin\r\n')
      // The head of the ClientHello.
      await connection.expectOctets('\x16\x03')
      await connection.send('+OK injected\r\n')
      await connection.closed()
    })
    const failure = await openAt(server, stls(server)).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(NetworkError)
    expect((failure as NetworkError).code).toMatch(/^NET_(NO_)?TLS$/)
    expect(said(server)).not.toMatch(/CAPA|USER|AUTH|secret/)
    expect(server.connections).toHaveLength(1)
  })

  it('that is answered before it was sent is out of step', async () => {
    await using server = await scriptedServer([send('+OK ready\r\n+OK begin\r\n'), closed()])
    await expect(openAt(server, stls(server))).rejects.toMatchObject({ code: 'POP3_OUT_OF_STEP' })
    await server.played()
    expect(said(server)).toBe('')
  })

  it('needs a certificate that is right, though it began in clear text', async () => {
    await using server = await scriptedServer([
      send('+OK ready\r\n'),
      expectLine('STLS'),
      send('+OK\r\n'),
      (connection) => connection.startTls(tls).catch(() => {}),
      closed(),
    ])
    const failure = openAt(server, { ...stls(server), ca: undefined })
    await expect(failure).rejects.toMatchObject({ code: 'NET_TLS' })
    expect(said(server)).toBe('STLS\r\n')
  })

  it.each<[string, Script]>([
    ['the greeting', [closed()]],
    ['the reply', [send('+OK ready\r\n'), expectLine('STLS'), closed()]],
    ['the handshake', [send('+OK\r\n'), expectLine('STLS'), send('+OK\r\n'), closed()]],
  ])('has one deadline, also for %s', async (_what, script) => {
    await using server = await scriptedServer(script)
    const options = { ...stls(server), timeouts: { attempt: 100 } }
    await expect(openAt(server, options)).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    expect(said(server)).not.toMatch(/CAPA|USER|AUTH/)
  })

  it('is kept where CAPA ends the connection', async () => {
    const first = [send('+OK\r\n'), expectLine('STLS'), send('+OK\r\n'), startTls(tls)]
    await using server = await scriptedServer(
      [...first, expectLine('CAPA'), fin()],
      [
        ...first,
        ...[expectLine('USER me'), send('+OK\r\n'), expectLine('PASS secret'), send('+OK\r\n')],
      ],
    )
    const session = await openAt(server, stls(server))
    expect(session.facts).toMatchObject({ mechanism: 'USER', before: undefined, after: undefined })
    session.close()
    await server.played()
  })

  it('gives no timestamp for APOP: the greeting was in clear text', async () => {
    await using server = await scriptedServer([
      send('+OK ready <1.2@clear.example>\r\n'),
      expectLine('STLS'),
      send('+OK\r\n'),
      startTls(tls),
      ...announcing([]).slice(1),
      closed(),
    ])
    await expect(openAt(server, { ...stls(server), auth: 'APOP' })).rejects.toMatchObject({
      code: 'LOGIN_NO_MECHANISM',
    })
    expect(said(server)).not.toContain('APOP')
  })
})

describe('inspectServer', () => {
  it('shows the certificate behind STLS, and says nothing but STLS', async () => {
    await using server = await scriptedServer([
      send('+OK ready\r\n'),
      expectLine('STLS'),
      send('+OK\r\n'),
      (connection) => connection.startTls(tls).catch(() => {}),
      closed(),
    ])
    const { peer, problem } = await inspectServer({ ...stls(server), ca: undefined }, never)
    expect(peer.tls?.chain[0]?.subject).toContain('localhost')
    expect(problem).toMatchObject({ code: 'NET_TLS' })
    await server.played()
    expect(said(server)).toBe('STLS\r\n')
  })

  it('shows nothing where STLS is refused', async () => {
    await using server = await scriptedServer([
      ...[send('+OK ready\r\n'), expectLine('STLS'), send('-ERR\r\n'), closed()],
    ])
    await expect(inspectServer(stls(server), never)).rejects.toMatchObject({ code: 'NET_POLICY' })
  })
})
