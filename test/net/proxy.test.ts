import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectOptions, connect } from '../../src/net/connect.ts'
import {
  type Certificates,
  type MadeCertificate,
  makeCertificate,
  makeCertificates,
} from '../support/certificates.ts'
import { freePort } from '../support/free-port.ts'
import {
  httpProxy,
  type ProxyBehaviour,
  type ProxyServer,
  socksProxy,
} from '../support/proxy-server.ts'
import {
  closed,
  expectLine,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { afterStls, failure, latin1, optionsFor, stlsServer } from './servers.ts'

let folder: TemporaryFolder
let files: Certificates
let ca: string
let tls: MadeCertificate
beforeAll(() => {
  folder = temporaryFolder('proxy')
  files = makeCertificates(folder.path)
  ca = readFileSync(files.ca, 'utf8')
  tls = makeCertificate(files, { altNames: 'DNS:pop.example.com' })
})
afterAll(() => folder.remove())

const kinds = [
  { type: 'socks5', start: socksProxy, name: 'SOCKS5 proxy' },
  { type: 'http', start: httpProxy, name: 'HTTP proxy' },
] as const

describe.each(kinds)('connect through a proxy: $type', ({ type, start, name }) => {
  /** The host is one that only the proxy can resolve: this machine is never asked for it. */
  const through = (
    { host, port }: Pick<ProxyServer, 'host' | 'port'>,
    more: Partial<ConnectOptions> = {},
  ) => optionsFor(110, { proxy: { type, host, port }, lookup: undefined, ca, ...more })

  it('speaks TLS to the server behind it', async () => {
    await using server = await scriptedTlsServer(tls, [
      send('+OK\r\n'),
      expectLine('QUIT'),
      closed(),
    ])
    await using proxy = await start({ destination: server.port })
    const connection = await connect(through(proxy))
    expect(connection.isTrusted).toBe(true)
    expect(connection.peer).toMatchObject({ port: proxy.port, proxied: true })
    expect(latin1(await connection.read(10_000))).toBe('+OK\r\n')
    connection.write(Buffer.from('QUIT\r\n'))
    connection.close()
    await server.played()
    expect(proxy.asked).toEqual(['pop.example.com:110'])
    expect(proxy.credentials).toEqual([])
  })

  it('speaks STLS, and clear text, to the server behind it', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const { peer: secured } = await peer.upgrade(tls)
      await secured.ended()
    })
    await using proxy = await start({ destination: server.port })
    const connection = await afterStls(110, through(proxy, { tls: 'stls' }))
    await connection.startTls()
    expect(connection.isTrusted).toBe(true)
    connection.close()
    const clear = await connect(through(proxy, { tls: 'none' }))
    expect(latin1(await clear.read(10_000))).toBe('+OK ready\r\n')
    clear.close()
  })

  it('checks the certificate as without it', async () => {
    const other = makeCertificate(files, { altNames: 'DNS:proxy.example.com' })
    await using server = await scriptedTlsServer(other, [closed()])
    await using proxy = await start({ destination: server.port })
    expect(await failure(connect(through(proxy)))).toMatchObject({
      code: 'NET_TLS',
      message: expect.stringContaining('is for proxy.example.com, not for pop.example.com'),
    })
  })

  it('hands over what the server said behind the reply of the proxy', async () => {
    await using server = await scriptedServer([send('second'), closed()])
    await using proxy = await start({ destination: server.port, excess: '+OK first\r\n' })
    const connection = await connect(through(proxy, { tls: 'none' }))
    let text = ''
    while (!text.includes('second')) text += latin1(await connection.read(10_000))
    expect(text).toBe('+OK first\r\nsecond')
    connection.close()
  })

  it('takes clear text behind the reply of the proxy for what it is', async () => {
    await using server = await scriptedTlsServer(tls, [closed()])
    await using proxy = await start({ destination: server.port, excess: '+OK first\r\n' })
    expect(await failure(connect(through(proxy)))).toMatchObject({ code: 'NET_NO_TLS' })
  })

  it('logs in to it', async () => {
    await using server = await scriptedTlsServer(tls, [closed()])
    const secret = 'p\u00e4ss:w\u00f6rd'
    await using proxy = await start({ destination: server.port, wants: `me:${secret}` })
    const { host, port } = proxy
    const connection = await connect(
      through(proxy, { proxy: { type, host, port, user: 'me', secret } }),
    )
    expect(connection.isTrusted).toBe(true)
    connection.close()
    expect(proxy.credentials).toEqual([`me:${secret}`])
  })

  it.each([
    ['a wrong password', 'wrong-canary'],
    ['none', undefined],
  ])('says that it refused the login: %s', async (_what, secret) => {
    await using proxy = await start({ destination: 1, wants: 'me:right' })
    const { host, port } = proxy
    const user = secret === undefined ? undefined : 'me'
    const error = await failure(
      connect(through(proxy, { proxy: { type, host, port, user, secret } })),
    )
    expect(error).toMatchObject({ code: 'NET_REFUSED' })
    expect(error.message).toMatch(
      new RegExp(`^${name} 127\\.0\\.0\\.1:${port}: it (wants|refused)`),
    )
    expect(JSON.stringify([error.message, String(error.cause)])).not.toContain('canary')
  })

  const refusals: Record<typeof type, readonly (readonly [string, RegExp])[]> = {
    socks5: [
      [
        '\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00',
        /could not connect to pop\.example\.com:110 \(not allowed/,
      ],
      ['\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00', /\(host unreachable\)/],
      ['\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00', /could not connect/],
    ],
    http: [
      ['HTTP/1.1 403 Forbidden\r\n\r\n', /does not allow pop\.example\.com:110 \(403\)/],
      ['HTTP/1.0 502 Bad Gateway\r\nServer: x\r\n\r\n', /could not connect to .* \(502\)/],
      ['HTTP/1.1 301 Moved\r\n\r\n', /\(301\)/],
      ['SSH-2.0-OpenSSH_9.2\r\n\r\n', /is no HTTP proxy/],
      [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(17_000)}`, /longer than 16384 octets/],
      [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`, /longer than 16384 octets/],
    ],
  }
  it.each(refusals[type])('says what it refused: %j', async (reply, sentence) => {
    await using proxy = await start({ destination: 1, reply })
    const error = await failure(connect(through(proxy)))
    expect(error).toMatchObject({ code: 'NET_REFUSED', message: expect.stringMatching(sentence) })
    expect(error.message).toContain(`${name} 127.0.0.1:${proxy.port}: `)
  })

  it('says that what answers there is no such proxy', async () => {
    await using server = await scriptedServer([send('+OK POP3 ready\r\n\r\n'), closed()])
    const error = await failure(connect(through(server)))
    expect(error.code).toBe('NET_REFUSED')
    expect(error.message).toMatch(
      new RegExp(`^${name} .*(does not speak SOCKS5|is no HTTP proxy)$`),
    )
  })

  it('says that nobody listens there, or that it closed', async () => {
    const port = await freePort()
    const refused = await failure(connect(through({ host: '127.0.0.1', port })))
    expect(refused).toMatchObject({
      code: 'NET_REFUSED',
      message: `${name} 127.0.0.1:${port}: the connection was refused`,
    })
    await using server = await scriptedServer((peer) => Promise.resolve(peer.fin()))
    const error = await failure(connect(through(server)))
    expect(error).toMatchObject({ code: 'NET_CLOSED', message: expect.stringContaining(name) })
  })

  it.each<[string, Partial<ProxyBehaviour>]>([
    ['before its first word', { hangsAfter: 'accepting' }],
    [
      'in the middle of its reply',
      { hangsAfter: 'reply', reply: type === 'http' ? 'HTTP/1.1 200 OK\r\n' : '\x05\x00\x00' },
    ],
  ])('has one deadline and one signal also if it hangs %s', async (_what, behaviour) => {
    await using proxy = await start({ destination: 1, ...behaviour })
    expect(await failure(connect(through(proxy, { timeoutMs: 200 })))).toMatchObject({
      code: 'NET_TIMEOUT',
      message: expect.stringContaining(name),
    })
    const controller = new AbortController()
    const { signal } = controller
    const aborted = failure(connect(through(proxy, { signal })))
    await expect.poll(() => proxy.heard[1]?.length ?? 0, { timeout: 10_000 }).toBeGreaterThan(0)
    controller.abort()
    expect(await aborted).toBe(signal.reason)
  })

  it('has the same deadline for the handshake behind it', async () => {
    await using server = await scriptedServer([closed()])
    await using proxy = await start({ destination: server.port })
    expect(await failure(connect(through(proxy, { timeoutMs: 200 })))).toMatchObject({
      code: 'NET_TIMEOUT',
    })
  })

  it('asks for an address as one', async () => {
    await using server = await scriptedServer([send('+OK\r\n'), closed()])
    await using proxy = await start({ destination: server.port })
    const connection = await connect(through(proxy, { host: '2001:db8::1', tls: 'none' }))
    connection.close()
    const hex = '20010db8000000000000000000000001'
    expect(proxy.asked).toEqual([type === 'http' ? '[2001:db8::1]:110' : `[${hex}]:110`])
  })

  it('sends no host that would end its line', async () => {
    await using proxy = await start({ destination: 1 })
    for (const host of ['pop.example.com\r\nX: y', 'a b', '', 'a\0b', `${'x'.repeat(256)}`]) {
      const error = await failure(connect(through(proxy, { host })))
      if (host.length < 256) expect(error.code).toBe('NET_ARGUMENT')
    }
    expect(proxy.heard.flat().join('')).not.toContain('X: y')
  })
})

describe('a SOCKS5 proxy', () => {
  it('is given no name, user or password that its protocol cannot carry', async () => {
    await using proxy = await socksProxy({ destination: 1 })
    const { host, port } = proxy
    const long = 'x'.repeat(256)
    for (const more of [{ user: long }, { user: 'me', secret: long }]) {
      const options = optionsFor(110, { proxy: { type: 'socks5', host, port, ...more } })
      expect(await failure(connect(options))).toMatchObject({
        code: 'NET_ARGUMENT',
        message: expect.stringContaining('at most 255 octets'),
      })
    }
    expect(proxy.heard.flat()).toEqual([])
  })
})
