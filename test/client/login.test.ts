import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import {
  closed,
  expectLine,
  fin,
  type Step,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { announcing, lastCapa, loggedIn, openAt, password } from './conversation.ts'

const plain = Buffer.from('\0me\0secret').toString('base64')

describe('login', () => {
  it('sends AUTH PLAIN in one line where SASL PLAIN is announced', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL LOGIN PLAIN'],
        expectLine(`AUTH PLAIN ${plain}`),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const session = await openAt(server)
    expect(session.capabilities.lines).toEqual(['UIDL', 'PIPELINING', 'SASL LOGIN PLAIN'])
    expect(session.pipelined).toBe(true)
    session.close()
    await server.played()
  })

  it('answers a challenge where the server ignored the initial response', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        expectLine(`AUTH PLAIN ${plain}`),
        send('+ go ahead\r\n'),
        expectLine(plain),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const session = await openAt(server)
    session.close()
    await server.played()
  })

  it('tries AUTH PLAIN in two steps once, where its form was refused', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        expectLine(`AUTH PLAIN ${plain}`),
        send('-ERR Protocol error. 10\r\n'),
        expectLine('AUTH PLAIN'),
        send('+\r\n'),
        expectLine(plain),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const session = await openAt(server)
    session.close()
    await server.played()
  })

  it('uses two steps at once where the line would pass 255 octets', async () => {
    const secret = 'x'.repeat(200)
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        expectLine('AUTH PLAIN'),
        send('+ \r\n'),
        expectLine(Buffer.from(`\0me\0${secret}`).toString('base64')),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const session = await openAt(server, { credential: password(secret) })
    session.close()
    await server.played()
  })

  it('sends a refused password only once, and reports the refusal though the server closes', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN', 'USER'],
        expectLine(`AUTH PLAIN ${plain}`),
        send('-ERR Authentication failed.\r\n'),
        fin(),
        closed(),
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      serverText: '-ERR Authentication failed.',
    })
    await server.played()
    expect(server.connections[0]?.receivedText.match(/AUTH|PASS/g)).toHaveLength(1)
  })

  it('takes an -ERR behind the +OK of PASS for a passing trouble, not for an empty maildrop', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER'],
        expectLine('USER me'),
        send('+OK\r\n'),
        expectLine('PASS secret'),
        send("+OK Logged in.\r\n-ERR Couldn't open INBOX.\r\n"),
        fin(),
        closed(),
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'POP3_TEMPORARY',
      serverText: "-ERR Couldn't open INBOX.",
    })
  })

  it.each<[string, readonly string[], string | undefined]>([
    ['where UTF8 USER is announced', ['USER', 'UTF8 USER'], undefined],
    ['where the owner wants USER', ['USER'], 'USER'],
  ])('writes a password beyond ASCII in UTF-8 %s', async (_title, capabilities, auth) => {
    const hasUtf8 = capabilities.includes('UTF8 USER')
    await using server = await scriptedServer(
      announcing(
        capabilities,
        ...(hasUtf8 ? [expectLine('UTF8'), send('+OK\r\n')] : []),
        expectLine('USER me'),
        send('+OK\r\n'),
        expectLine('PASS p\xc3\xa4ss'),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const session = await openAt(server, { credential: password('päss'), auth })
    session.close()
    await server.played()
  })

  it('does not send a password beyond ASCII to a USER that does not announce to take it', async () => {
    await using server = await scriptedServer(announcing(['USER'], closed()))
    await expect(openAt(server, { credential: password('päss') })).rejects.toMatchObject({
      code: 'LOGIN_NO_MECHANISM',
      message: expect.stringContaining('beyond ASCII'),
    })
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('CAPA\r\n')
  })

  it.each(['a\r\nDELE 1', 'a\0'])('refuses the password %j before it connects', async (secret) => {
    await using server = await scriptedServer([closed()])
    await expect(openAt(server, { credential: password(secret) })).rejects.toMatchObject({
      code: 'POP3_ARGUMENT',
    })
    expect(server.connections).toHaveLength(0)
  })

  it.each<[string, readonly Step[]]>([
    ['closes', [fin()]],
    ['hangs', [closed()]],
  ])('connects once more without CAPA where the server %s at it', async (_title, steps) => {
    await using server = await scriptedServer(
      [send('+OK\r\n'), expectLine('CAPA'), ...steps],
      [
        send('+OK\r\n'),
        expectLine('USER me'),
        send('+OK\r\n'),
        expectLine('PASS secret'),
        send('+OK\r\n'),
        expectLine('STAT'),
        send('+OK 0 0\r\n'),
        closed(),
      ],
    )
    const session = await openAt(server, { timeouts: { command: 1_000 } })
    expect(session.pipelined).toBe(false)
    expect(await session.stat()).toEqual({ messages: 0, octets: 0 })
    session.close()
    await server.played()
    expect(server.connections).toHaveLength(2)
  })

  it('keeps the earlier list, without PIPELINING, where CAPA is refused after login', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'UIDL', 'PIPELINING'],
        expectLine('USER me'),
        send('+OK\r\n'),
        expectLine('PASS secret'),
        send('+OK\r\n'),
        expectLine('CAPA'),
        send('-ERR\r\n'),
      ),
    )
    const session = await openAt(server)
    expect(session.pipelined).toBe(false)
    expect(session.capabilities.has('UIDL')).toBe(true)
    session.close()
  })

  it('stays at one command at a time where pipelining is switched off', async () => {
    await using server = await scriptedServer(loggedIn())
    const session = await openAt(server, { pipelining: false })
    expect(session.pipelined).toBe(false)
    session.close()
  })

  it('names no mechanism rather than sending the password another way', async () => {
    await using server = await scriptedServer(announcing(['SASL XOAUTH2'], closed()))
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('CAPA\r\n')
  })

  it('writes no secret into the trace', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        expectLine(/^AUTH PLAIN /),
        send('-ERR syntax\r\n'),
        expectLine('AUTH PLAIN'),
        send('+ \r\n'),
        expectLine(plain),
        send('+OK\r\n'),
        ...lastCapa,
      ),
    )
    const trace: string[] = []
    const session = await openAt(server, { trace: (line) => trace.push(line) })
    session.close()
    expect(trace.join('\n')).not.toContain('secret')
    expect(trace.join('\n')).not.toContain(plain)
    expect(trace.slice(0, 6)).toEqual([
      'S: +OK ready',
      'C: CAPA',
      'S: +OK',
      'S: SASL PLAIN',
      'S: .',
      'C: AUTH PLAIN ***',
    ])
  })
})

describe('login over TLS', () => {
  let folder: TemporaryFolder
  let certificates: Certificates
  beforeAll(() => {
    folder = temporaryFolder('login')
    certificates = makeCertificates(folder.path)
  })
  afterAll(() => folder.remove())

  it('sends the password once the certificate is verified, and never before', async () => {
    const tls = {
      cert: readFileSync(certificates.certificate),
      key: readFileSync(certificates.key),
    }
    await using server = await scriptedTlsServer(tls, loggedIn())
    const { port } = server
    await expect(openAt({ host: '127.0.0.1', port }, { tls: 'implicit' })).rejects.toMatchObject({
      code: 'NET_TLS',
    })
    expect(server.connections.map((c) => c.receivedText).join('')).toBe('')
    await server.close()

    await using trusted = await scriptedTlsServer(tls, loggedIn())
    const session = await openAt(trusted, {
      tls: 'implicit',
      ca: readFileSync(certificates.ca, 'utf8'),
    })
    session.close()
    await trusted.played()
  })
})

describe('a server that says the password back', () => {
  it.each([
    ['-ERR bad password hunter2 for me', '-ERR bad password *** for me'],
    ['hunter2 is no password', '*** is no password'],
    ['-ERR wrong password AG1lAGh1bnRlcjI=', '-ERR wrong password ***'],
  ])('is not quoted: %s', async (said, quoted) => {
    const trace: string[] = []
    const sasl = said.includes('AG1l')
    await using server = await scriptedServer(
      announcing(
        [sasl ? 'SASL PLAIN' : 'USER'],
        ...(sasl
          ? [expectLine(/^AUTH/)]
          : [expectLine('USER me'), send('+OK\r\n'), expectLine(/^PASS/)]),
        send(`${said}\r\n`),
        closed(),
      ),
    )
    const opened = openAt(server, {
      credential: password('hunter2'),
      trace: (line) => trace.push(line),
    })
    await expect(opened).rejects.toMatchObject({ serverText: quoted })
    expect(trace.join()).not.toMatch(/hunter2|AG1l/)
  })

  it('has its numbers read all the same where the password is one of them', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER'],
        ...[expectLine('USER me'), send('+OK\r\n'), expectLine('PASS 1100'), send('+OK\r\n')],
        ...[expectLine('CAPA'), send('-ERR\r\n'), expectLine('STAT'), send('+OK 4 11005\r\n')],
      ),
    )
    const session = await openAt(server, { credential: password('1100') })
    expect(await session.stat()).toEqual({ messages: 4, octets: 11005 })
    session.close()
  })
})
