import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { discoveryPorts, tryLogin } from '../../src/cli/account-add-server.ts'
import { composeLogin } from '../../src/cli/compose.ts'
import { accountAt } from '../../src/cli/server-choice.ts'
import { makeCertificates } from '../support/certificates.ts'
import { makeClientCertificate } from '../support/client-certificate.ts'
import { hasOpenssl } from '../support/openssl.ts'
import {
  closed,
  expectLine,
  type Script,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const folder = temporaryFolder('account-add-server')
afterAll(() => folder.remove())

const never = new AbortController().signal
const CANARY = 'canary-90ee-stone'

describe.skipIf(!hasOpenssl)('the probe of a server that might be the one', () => {
  const paths = hasOpenssl ? makeCertificates(folder.path) : { ca: '', certificate: '', key: '' }
  const read = (path: string) => (path === '' ? '' : readFileSync(path, 'utf8'))
  const ca = read(paths.ca)
  const tls = { cert: read(paths.certificate), key: read(paths.key) }
  const at = (port: number, host = 'localhost') => ({ host, port, tls: 'implicit' }) as const

  it('is a greeting behind a verified certificate; only QUIT is said', async () => {
    await using server = await scriptedTlsServer(tls, [send('+OK hi\r\n'), closed()])
    expect(await discoveryPorts({ ca }).probe(at(server.port), never)).toBe(true)
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('QUIT\r\n')
  })

  it.each<[string, Script]>([
    ['-ERR', [send('-ERR busy\r\n'), closed()]],
    ['another protocol', [send('220 smtp.example.com ESMTP\r\n'), closed()]],
  ])('fails at %s, and says nothing', async (_name, script) => {
    await using server = await scriptedTlsServer(tls, script)
    await expect(discoveryPorts({ ca }).probe(at(server.port), never)).rejects.toThrow()
    expect(server.connections[0]?.receivedText).toBe('')
  })

  it('fails without a certificate that is trusted', async () => {
    await using server = await scriptedTlsServer(tls, [send('+OK hi\r\n'), closed()])
    await expect(discoveryPorts({}).probe(at(server.port), never)).rejects.toMatchObject({
      code: 'NET_TLS',
    })
  })

  it('shows nobody the client certificate, also where it is asked for', async () => {
    const { certificate, key } = makeClientCertificate(paths, 'me')
    const strict = { ...tls, ca, requestCert: true, rejectUnauthorized: true }
    await using server = await scriptedTlsServer(strict, [send('+OK hi\r\n'), closed()])
    const all = { ca, clientCertificate: { certificate, key } }
    await expect(discoveryPorts(all).probe(at(server.port), never)).rejects.toThrow()
  })

  it('says STLS and no more where the server has no TLS', async () => {
    await using server = await scriptedServer([
      send('+OK hi\r\n'),
      expectLine('STLS'),
      send('-ERR no\r\n'),
      closed(),
    ])
    const place = { host: '127.0.0.1', port: server.port, tls: 'stls' } as const
    await expect(discoveryPorts({ ca }).probe(place, never)).rejects.toThrow()
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('STLS\r\n')
  })

  it('ends with its signal at a silent server', async () => {
    await using server = await scriptedTlsServer(tls, [closed()])
    const abort = new AbortController()
    const probe = discoveryPorts({ ca }).probe(at(server.port), abort.signal)
    abort.abort(new Error('enough'))
    await expect(probe).rejects.toThrow('enough')
  })
})

it('asks the DNS nothing where the mail goes through a proxy', async () => {
  const ports = discoveryPorts({ proxy: { type: 'socks5', host: '127.0.0.1', port: 1 } })
  expect(await ports.resolveSrv('_pop3s._tcp.mail.invalid', never)).toEqual([])
  expect(await ports.resolveMx('mail.invalid', never)).toEqual([])
})

describe('the one login', () => {
  const login = (port: number, host = '127.0.0.1') =>
    tryLogin(
      composeLogin(
        { ...accountAt(`pop://me@${host}`, {}, { proxy: undefined }), tls: 'none' },
        { host: '127.0.0.1', port, tls: 'none' },
        { trace: undefined, env: {}, now: () => 0, isSingle: true },
      ),
      { type: 'password', secret: CANARY },
      never,
    )
  const capa = [expectLine('CAPA'), send('+OK\r\nUSER\r\nRESP-CODES\r\n.\r\n')]

  it('counts the messages and leaves; it lists, retrieves and deletes nothing', async () => {
    await using server = await scriptedServer([
      send('+OK hi\r\n'),
      ...capa,
      ...[expectLine('USER me'), send('+OK\r\n'), expectLine(/^PASS /), send('+OK\r\n')],
      ...capa,
      ...[expectLine('STAT'), send('+OK 2 300\r\n'), expectLine('QUIT'), send('+OK\r\n')],
      closed(),
    ])
    expect(await login(server.port)).toMatchObject({ messages: 2, octets: 300 })
    await server.played()
  })

  it('that is refused comes with the hint of the provider, and without the password', async () => {
    await using server = await scriptedServer([
      send('+OK hi\r\n'),
      ...capa,
      ...[expectLine('USER me'), send('+OK\r\n'), expectLine(/^PASS /)],
      send(`-ERR [AUTH] not ${CANARY}\r\n`),
      closed(),
    ])
    const error: unknown = await login(server.port, 'pop.gmail.com').catch((reason) => reason)
    expect(error).toMatchObject({
      code: 'LOGIN_REFUSED',
      hint: expect.stringContaining('app password'),
    })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain(CANARY)
  })

  it('leaves no connection behind where the messages cannot be counted', async () => {
    await using server = await scriptedServer([
      send('+OK hi\r\n'),
      ...capa,
      ...[expectLine('USER me'), send('+OK\r\n'), expectLine(/^PASS /), send('+OK\r\n')],
      ...capa,
      ...[expectLine('STAT'), send('-ERR [SYS/TEMP] later\r\n')],
      closed(),
    ])
    await expect(login(server.port)).rejects.toMatchObject({ code: 'POP3_TEMPORARY' })
    await server.played()
  })
})
