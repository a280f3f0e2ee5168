import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MaildropOptions } from '../../src/client/maildrop.ts'
import { type Applicant, probeServer, type ServerReport } from '../../src/client/probe.ts'
import { probeMaildrop } from '../../src/client/probe-maildrop.ts'
import {
  type Certificates,
  type CertificateWishes,
  makeCertificate,
  makeCertificates,
} from '../support/certificates.ts'
import {
  closed,
  expectLine,
  expectOctets,
  fin,
  type Script,
  type ScriptedServer,
  type Step,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { afterLogin, announcing, password } from './conversation.ts'

const signal = new AbortController().signal
const me: Applicant = { user: 'me', credential: 'password', auth: undefined }
const quit = [expectLine('QUIT'), send('+OK bye\r\n'), closed()]

describe('a probe before login', () => {
  const look = ({ host, port }: ScriptedServer, options: Partial<MaildropOptions> = {}) =>
    probeServer({ host, port, tls: 'none', ...options }, me, signal)

  it('sends CAPA and QUIT, and nothing else', async () => {
    await using server = await scriptedServer(announcing(['SASL PLAIN', 'LOGIN-DELAY 9'], ...quit))
    const report = await look(server)
    await server.played()
    expect(server.connections.map(({ receivedText }) => receivedText)).toEqual(['CAPA\r\nQUIT\r\n'])
    expect(report).toMatchObject({
      peer: { address: '127.0.0.1', port: server.port, proxied: false, tls: undefined },
      greeting: '+OK ready',
      capabilities: { answer: 'listed', capabilities: { lines: ['SASL PLAIN', 'LOGIN-DELAY 9'] } },
      mechanisms: [{ name: 'PLAIN', place: 1 }],
      failure: undefined,
    })
  })

  it.each<[string, ServerReport['capabilities'], readonly Step[]]>([
    ['refuses CAPA', { answer: 'refused' }, [send('-ERR what?\r\n'), ...quit]],
    ['closes at CAPA', { answer: 'closed' }, [fin(), closed()]],
  ])('goes on where the server %s', async (_title, capabilities, steps) => {
    await using server = await scriptedServer([
      ...[send('+OK old\r\n'), expectLine('CAPA'), ...steps],
    ])
    const report = await look(server)
    await server.played()
    expect(report).toMatchObject({ capabilities, mechanisms: [{ name: 'USER', place: 1 }] })
    expect([report.failure, server.connections.length]).toEqual([undefined, 1])
  })

  it('does not mind a server that closes instead of answering QUIT', async () => {
    await using server = await scriptedServer(announcing([], expectLine('QUIT'), fin()))
    expect(await look(server)).toMatchObject({
      capabilities: { answer: 'listed' },
      failure: undefined,
    })
  })

  it('says who refuses the connection', async () => {
    await using server = await scriptedServer([send('-ERR go away\r\n'), closed()])
    const report = await look(server)
    expect(report.failure).toMatchObject({ code: 'POP3_GREETING_REFUSED' })
    expect(server.connections).toHaveLength(1)
  })

  it('keeps the greeting of a server that refuses STLS, and says nothing more to it', async () => {
    const script = [send('+OK clear\r\n'), expectLine('STLS'), send('-ERR no\r\n'), closed()]
    await using server = await scriptedServer(script)
    const report = await look(server, { tls: 'stls' })
    await server.played()
    expect(report).toMatchObject({
      greeting: '+OK clear',
      failure: { code: 'NET_POLICY' },
      capabilities: undefined,
    })
    expect(server.connections.map(({ receivedText }) => receivedText)).toEqual(['STLS\r\n'])
  })
})

describe('a probe of a certificate', () => {
  let folder: TemporaryFolder
  let files: Certificates
  let ca: string
  beforeAll(() => {
    folder = temporaryFolder('probe')
    files = makeCertificates(folder.path)
    ca = readFileSync(files.ca, 'utf8')
  })
  afterAll(() => folder.remove())

  const altNames = 'DNS:localhost, IP:127.0.0.1'

  it.each<[string, CertificateWishes, boolean, RegExp]>([
    ['expired', { altNames, days: [-9, -3] }, true, /the certificate expired on/],
    ['for another host', { altNames: 'DNS:other.example' }, true, /is for other\.example, not for/],
    ['self-signed', { altNames, signedBy: 'itself' }, false, /self-signed/],
    ['signed by nobody known', { altNames }, false, /nobody that this machine trusts/],
  ])('shows one that is %s, and sends nothing', async (_title, wishes, hasCa, problem) => {
    const { cert, key } = makeCertificate(files, wishes)
    await using server = await scriptedTlsServer({ cert, key }, [closed()])
    const at = { host: '127.0.0.1', port: server.port, tls: 'implicit' } as const
    const report = await probeServer({ ...at, ca: hasCa ? ca : undefined }, me, signal)
    expect(report.failure).toMatchObject({ code: 'NET_TLS' })
    expect(report.certificateProblem?.message).toMatch(problem)
    expect(report.peer?.tls?.chain[0]).toMatchObject({ names: expect.any(Array) })
    expect(report.greeting).toBeUndefined()
    for (const { received } of server.connections) expect(received).toHaveLength(0)
  })

  it('connects once where it is accepted', async () => {
    const { cert, key } = makeCertificate(files, { altNames })
    await using server = await scriptedTlsServer({ cert, key }, announcing(['USER'], ...quit))
    const at = { host: '127.0.0.1', port: server.port, tls: 'implicit', ca } as const
    const report = await probeServer(at, me, signal)
    await server.played()
    expect([report.certificateProblem, report.failure]).toEqual([undefined, undefined])
    expect(report.peer?.tls?.chain).toHaveLength(2)
    expect(server.connections).toHaveLength(1)
  })
})

describe('a probe of a maildrop', () => {
  const visit = ({ host, port }: ScriptedServer) =>
    probeMaildrop(
      {
        ...{ host, port, tls: 'none', user: 'me', credential: password('secret') },
        pipelining: false,
      },
      signal,
    )
  const stat = [expectLine('STAT'), send('+OK 2 300\r\n')]
  const list = [expectLine('LIST'), send('+OK\r\n1 200\r\n2 100\r\n.\r\n')]
  const uidl = [expectLine('UIDL'), send('+OK\r\n1 a\r\n2 b\r\n.\r\n')]
  const top = [expectLine('TOP 2 0'), send('+OK\r\nSubject: x\r\n\r\n.\r\n')]
  const inOneWrite = expectOctets('STAT\r\nNOOP\r\nSTAT\r\n')
  const inOrder = [inOneWrite, send('+OK 2 300\r\n+OK\r\n+OK 2 300\r\n'), ...stat]

  const probe = async (script: Script) => {
    await using server = await scriptedServer(script)
    const report = await visit(server)
    await server.played()
    const heard = server.connections.map(({ receivedText }) => receivedText).join('')
    expect(heard).not.toMatch(/^(RETR|DELE|RSET)/im)
    return { report, heard }
  }

  it('tries UIDL, TOP of the smallest message, then PIPELINING, and leaves by QUIT', async () => {
    const { report, heard } = await probe(
      afterLogin([...stat, ...list, ...uidl, ...top, ...inOrder, ...quit]),
    )
    expect(report).toMatchObject({
      mechanism: 'USER',
      drop: { messages: 2, octets: 300 },
      sizes: { messages: 2, octets: 300, smallest: 100, largest: 200, unsized: 0 },
      uidl: { isAnnounced: true, result: 'works', messages: 2, distinct: 2, missing: 0 },
      top: { isAnnounced: true, result: 'works', listedOctets: 100, octets: 14 },
      pipelining: { isAnnounced: true, result: 'works' },
      quit: 'done',
    })
    expect(report.failure).toBeUndefined()
    expect(heard).toMatch(/QUIT\r\n$/)
  })

  it.each<[string, readonly Step[]]>([
    ['closes', [send('+OK 2 300\r\n'), fin(), closed()]],
    ['loses a reply', [send('+OK 2 300\r\n+OK 2 300\r\n+OK\r\n'), ...stat, closed()]],
    [
      'doubles one reply and loses another',
      [send('+OK 2 300\r\n+OK 2 300\r\n+OK 2 300\r\n'), ...stat, closed()],
    ],
    ['doubles a reply', [send('+OK 2 300\r\n+OK\r\n+OK 2 300\r\n+OK 2 300\r\n'), closed()]],
    ['refuses one', [send('+OK 2 300\r\n-ERR\r\n+OK 2 300\r\n'), ...stat, closed()]],
  ])('finds PIPELINING broken where the server %s', async (_title, steps) => {
    const { report } = await probe(
      afterLogin([...stat, ...list, ...uidl, ...top, inOneWrite, ...steps]),
    )
    expect(report.pipelining).toMatchObject({ isAnnounced: true, result: 'broken' })
    expect(report.failure).toBeUndefined()
  })

  it('does not try PIPELINING where it is not announced after login', async () => {
    const capabilities = ['TOP', 'UIDL']
    const steps = [...stat, ...list, ...uidl, ...top, ...quit]
    const { report } = await probe(afterLogin(steps, { capabilities }))
    expect(report.pipelining).toEqual({ isAnnounced: false, result: 'not tried' })
  })

  it('goes on where UIDL and TOP are refused', async () => {
    const { report } = await probe(
      afterLogin([
        ...[...stat, ...list, expectLine('UIDL'), send('-ERR no unique-ids\r\n')],
        ...[expectLine('TOP 2 0'), send('-ERR no TOP\r\n'), ...inOrder, ...quit],
      ]),
    )
    expect(report).toMatchObject({
      uidl: { isAnnounced: true, result: 'refused', words: '-ERR no unique-ids' },
      top: { result: 'refused', words: '-ERR no TOP' },
      quit: 'done',
    })
  })

  it('counts unique-ids that are missing or not unique', async () => {
    const { report } = await probe(
      afterLogin([
        ...[expectLine('STAT'), send('+OK 3 300\r\n')],
        ...[expectLine('LIST'), send('+OK\r\n1 1\r\n2 2\r\n3 x\r\n.\r\n')],
        ...[expectLine('UIDL'), send('+OK\r\n1 a\r\n2 a\r\n3\r\n.\r\n')],
        ...[expectLine('TOP 1 0'), send('-ERR\r\n'), expectOctets('STAT\r\nNOOP\r\nSTAT\r\n')],
        ...[send('+OK 3 300\r\n+OK\r\n+OK 3 300\r\n'), expectLine('STAT'), send('+OK 3 300\r\n')],
        ...quit,
      ]),
    )
    expect(report.uidl).toMatchObject({ messages: 2, distinct: 1, missing: 1 })
    expect(report.sizes).toMatchObject({ octets: 3, unsized: 1 })
  })

  it('keeps what it learned before LIST was refused, and leaves by QUIT', async () => {
    const { report } = await probe(
      afterLogin([...stat, expectLine('LIST'), send('-ERR not today\r\n'), ...quit]),
    )
    expect(report).toMatchObject({ drop: { messages: 2 }, quit: 'done' })
    expect(report).toMatchObject({ failure: { code: 'POP3_REFUSED' } })
    expect(report.uidl).toBeUndefined()
  })

  it('tries no TOP in an empty maildrop', async () => {
    const none = '+OK 0 0\r\n'
    const { report } = await probe(
      afterLogin(
        [
          ...[expectLine('STAT'), send(none), expectLine('LIST'), send('+OK\r\n.\r\n')],
          ...[expectLine('UIDL'), send('+OK\r\n.\r\n'), ...quit],
        ],
        { capabilities: ['TOP'] },
      ),
    )
    expect(report.top).toMatchObject({ result: 'not tried' })
  })
})
