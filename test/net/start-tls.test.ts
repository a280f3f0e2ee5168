import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { connect } from '../../src/net/connect.ts'
import { Connection } from '../../src/net/connection.ts'
import { trustOf } from '../../src/net/trust.ts'
import {
  type Certificates,
  type MadeCertificate,
  makeCertificate,
  makeCertificates,
} from '../support/certificates.ts'
import { gate } from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import {
  afterStls,
  failure,
  latin1,
  optionsFor,
  type RawPeer,
  rawServer,
  stlsServer,
} from './servers.ts'

let folder: TemporaryFolder
let files: Certificates
let ca: string
let tls: MadeCertificate
beforeAll(() => {
  folder = temporaryFolder('start-tls')
  files = makeCertificates(folder.path)
  ca = readFileSync(files.ca, 'utf8')
  tls = makeCertificate(files, { altNames: 'DNS:pop.example.com' })
})
afterAll(() => folder.remove())
afterEach(() => {
  vi.useRealTimers()
})

/** A TLS record of a handshake message: what a ClientHello begins with. */
const CLIENT_HELLO = /\x16\x03/

const heardNothingSecret = (peer: RawPeer) => expect(peer.text).not.toMatch(/PASS|AUTH|USER/)

describe('startTls', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('secures the connection with %s', async (version) => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const { peer: secured, tls: socket } = await peer.upgrade({ ...tls, maxVersion: version })
      await secured.until(/^CAPA\r\n$/)
      socket.write('+OK\r\n.\r\n')
      await secured.until(/QUIT\r\n$/)
      socket.end('+OK bye\r\n')
      await secured.ended()
      // All that came in clear text.
      expect(peer.text).toBe('STLS\r\n')
    })
    const connection = await afterStls(server.port, { ca })
    expect(connection.isTrusted || connection.isEncrypted).toBe(false)
    expect(connection.peer.tls).toBeUndefined()
    await connection.startTls()
    expect(connection.isTrusted && connection.isEncrypted).toBe(true)
    expect(connection.peer).toMatchObject({
      address: '127.0.0.1',
      port: server.port,
      proxied: false,
      tls: { version, isPinned: false },
    })
    connection.write(Buffer.from('CAPA\r\n'))
    expect(latin1(await connection.read(10_000))).toBe('+OK\r\n.\r\n')
    connection.write(Buffer.from('QUIT\r\n'))
    expect(latin1(await connection.read(10_000))).toBe('+OK bye\r\n')
    expect(await connection.read(10_000)).toBeUndefined()
    connection.close()
    await server.played()
  })

  it('carries megabytes both ways, and pauses the server while nobody reads', async () => {
    const octets = 4 * 1024 * 1024
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const { peer: secured, tls: socket } = await peer.upgrade(tls)
      let heard = 0
      socket.on('data', (chunk) => {
        heard += chunk.length
      })
      socket.write(Buffer.alloc(octets, 'a'))
      while (heard < octets && !socket.destroyed) await nextTurn()
      socket.end()
      await secured.ended()
      expect(heard).toBe(octets)
    })
    const connection = await afterStls(server.port, { ca })
    await connection.startTls()
    connection.write(Buffer.alloc(octets, 'b'))
    let came = 0
    for (;;) {
      const chunk = await connection.read(10_000)
      if (!chunk) break
      came += chunk.length
    }
    expect(came).toBe(octets)
    connection.close()
    await server.played()
  })

  it('has no second time, and none without STLS', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const { peer: secured } = await peer.upgrade(tls)
      await secured.ended()
    })
    const connection = await afterStls(server.port, { ca })
    await connection.startTls()
    await expect(connection.startTls()).rejects.toThrow()
    expect(connection.isTrusted).toBe(true)
    connection.close()
    const clear = await connect(optionsFor(server.port, { tls: 'none' }))
    await expect(clear.startTls()).rejects.toThrow()
    clear.close()
  })

  it('lets nothing be written or read while the handshake runs', async () => {
    const { opened, open } = gate()
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      await peer.until(CLIENT_HELLO)
      open()
      await peer.ended()
      heardNothingSecret(peer)
    })
    const connection = await afterStls(server.port, { ca })
    const starting = failure(connection.startTls())
    expect(() => connection.write(Buffer.from('PASS x\r\n'))).toThrow(/handshake/)
    await opened
    expect(() => connection.write(Buffer.from('PASS x\r\n'))).toThrow(/handshake/)
    connection.close()
    expect(await starting).toMatchObject({ code: 'NET_CLOSED' })
    await server.played()
  })
})

describe('octets behind the reply to STLS', () => {
  it('end the attempt if they came in another chunk and nobody took them', async () => {
    await using server = await rawServer(async (peer) => {
      peer.socket.write('+OK ready\r\n')
      await peer.until(/STLS\r\n$/)
      peer.socket.write('+OK\r\n')
      await peer.until(/seen$/)
      peer.socket.write('+OK injected\r\n')
      await peer.ended()
      // Not even a ClientHello went out.
      expect(peer.text).toBe('STLS\r\nseen')
    })
    const socket = connectTcp(server.port, '127.0.0.1')
    await once(socket, 'connect')
    const trust = trustOf({ host: 'pop.example.com', ca }, {})
    const connection = new Connection(socket, { where: 'it', proxied: false, trust, isStls: true })
    await connection.read()
    connection.write(Buffer.from('STLS\r\n'))
    expect(latin1(await connection.read())).toBe('+OK\r\n')
    connection.write(Buffer.from('seen'))
    await expect
      .poll(() => socket.bytesRead, { timeout: 10_000 })
      .toBe('+OK ready\r\n+OK\r\n+OK injected\r\n'.length)
    const error = await failure(connection.startTls())
    expect(error).toMatchObject({
      code: 'NET_TLS',
      message: expect.stringContaining('octets came behind the reply to STLS'),
    })
    expect(await failure(connection.read(10_000))).toBe(error)
    expect(connection.take()).toBeUndefined()
    await server.played()
  })

  it('end the attempt if they are on their way when the handshake begins', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      await peer.ended()
      heardNothingSecret(peer)
    })
    const connection = await afterStls(server.port, { ca })
    server.peers[0]?.socket.write('+OK injected\r\n')
    expect(await failure(connection.startTls())).toMatchObject({
      code: 'NET_TLS',
      message: expect.stringMatching(/came behind the reply to STLS; somebody may be tampering/),
    })
    expect(connection.take()).toBeUndefined()
    await server.played()
  })

  it.each([
    ['a line', '+OK injected\r\n'],
    ['one octet', '+'],
    ['an alert in clear text', '\x15\x03\x03\x00\x02\x02\x28'],
    ['an empty TLS record', '\x16\x03\x03\x00\x00'],
    ['a record of application data', '\x17\x03\x03\x00\x05+OK\r\n'],
  ])('instead of a ServerHello fail the handshake: %s', async (_what, octets) => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      await peer.until(CLIENT_HELLO)
      peer.socket.end(octets, 'latin1')
      await peer.ended()
      heardNothingSecret(peer)
    })
    const connection = await afterStls(server.port, { ca })
    const error = await failure(connection.startTls())
    expect(error.code).toMatch(/^NET_(TLS|CLOSED)$/)
    if (octets.startsWith('+OK')) expect(error.message).toContain('clear text came behind')
    expect(await failure(connection.read(10_000))).toBe(error)
    expect(connection.take()).toBeUndefined()
    expect(connection.isTrusted).toBe(false)
    await server.played()
  })

  it('before a real handshake fail it too', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      await peer.until(CLIENT_HELLO)
      peer.socket.write('+OK injected\r\n')
      peer.socket.unshift(Buffer.concat(peer.heard).subarray('STLS\r\n'.length))
      const secured = await peer.upgrade(tls).catch(() => undefined)
      await (secured?.peer ?? peer).ended()
      if (secured) heardNothingSecret(secured.peer)
    })
    const connection = await afterStls(server.port, { ca })
    expect(await failure(connection.startTls())).toMatchObject({ code: 'NET_TLS' })
    await server.played()
  })
})

describe('the attempt with STLS', () => {
  it('ends when the server hangs in the handshake', async () => {
    await using server = await stlsServer('+OK\r\n', (peer) => peer.ended())
    const attempt = afterStls(server.port, { ca, timeoutMs: 200 }).then((open) => open.startTls())
    expect(await failure(attempt)).toMatchObject({ code: 'NET_TIMEOUT' })
  })

  it('ends when the server hangs before it, whatever the limits of its reads', async () => {
    await using server = await rawServer(async (peer) => {
      peer.socket.write('+OK ready\r\n')
      await peer.ended()
    })
    const attempt = connect(optionsFor(server.port, { tls: 'stls', timeoutMs: 200 }))
    const reading = attempt.then(async (connection) => {
      expect(latin1(await connection.read(600_000))).toBe('+OK ready\r\n')
      await connection.read(600_000)
    })
    expect(await failure(reading)).toMatchObject({ code: 'NET_TIMEOUT' })
  })

  it('has the same deadline after a read with a limit of its own', async () => {
    await using server = await stlsServer('+OK\r\n', (peer) => peer.ended())
    const attempt = connect(optionsFor(server.port, { tls: 'stls', timeoutMs: 200, ca }))
    const starting = attempt.then(async (connection) => {
      await connection.read(600_000)
      connection.write(Buffer.from('STLS\r\n'))
      await connection.read(600_000)
      await connection.startTls()
    })
    expect(await failure(starting)).toMatchObject({ code: 'NET_TIMEOUT' })
  })

  it('goes on to the first read behind TLS, and no further', async () => {
    // Time stands still, but where the test says so.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const { peer: secured, tls: socket } = await peer.upgrade(tls)
      await secured.until(/a$/)
      socket.write('b')
      await secured.until(/c$/)
      socket.write('d')
      await secured.ended()
    })
    const connection = await afterStls(server.port, { ca })
    await connection.startTls()
    connection.limitAttempt(200)
    connection.write(Buffer.from('a'))
    expect(latin1(await connection.read(10_000))).toBe('b')
    const late = connection.read(10_000)
    vi.advanceTimersByTime(9_000)
    connection.write(Buffer.from('c'))
    expect(latin1(await late)).toBe('d')
    const never = failure(connection.read(10_000))
    vi.advanceTimersByTime(10_000)
    expect(await never).toMatchObject({ code: 'NET_TIMEOUT' })
    connection.close()
    await server.played()
  })

  it('is ended by its signal, before and during the handshake', async () => {
    for (const isDuring of [false, true]) {
      const { opened, open } = gate()
      await using server = await stlsServer('+OK\r\n', async (peer) => {
        await peer.until(CLIENT_HELLO).catch(() => {})
        open()
        await peer.ended()
      })
      const controller = new AbortController()
      const connection = await afterStls(server.port, { ca, signal: controller.signal })
      const starting = failure(connection.startTls())
      if (isDuring) await opened
      controller.abort()
      expect(await starting).toBe(controller.signal.reason)
      await server.played()
    }
  })

  it('is ended by its signal during implicit TLS too', async () => {
    const { opened, open } = gate()
    await using server = await rawServer(async (peer) => {
      await peer.until(CLIENT_HELLO)
      open()
      await peer.ended()
    })
    const controller = new AbortController()
    const connecting = failure(connect(optionsFor(server.port, { signal: controller.signal })))
    await opened
    controller.abort()
    expect(await connecting).toBe(controller.signal.reason)
    await server.played()
  })

  it('ends when the server closes instead', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      peer.socket.end()
      await peer.ended()
    })
    const connection = await afterStls(server.port, { ca })
    expect(await failure(connection.startTls())).toMatchObject({ code: 'NET_CLOSED' })
  })

  it('refuses a server with nothing newer than TLS 1.1', async () => {
    await using server = await stlsServer('+OK\r\n', async (peer) => {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1' } as const
      await peer.upgrade({ ...tls, ...old, ciphers: 'DEFAULT@SECLEVEL=0' }).catch(() => {})
      await peer.ended()
    })
    const connection = await afterStls(server.port, { ca })
    expect(await failure(connection.startTls())).toMatchObject({
      code: 'NET_TLS',
      message: expect.stringContaining('the server offers no TLS newer than 1.1'),
    })
  })

  it('is refused where the environment switches certificate checks off', async () => {
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    await using server = await rawServer((peer) => peer.ended())
    const attempt = connect(optionsFor(server.port, { tls: 'stls', environment }))
    expect(await failure(attempt)).toMatchObject({ code: 'NET_POLICY' })
    expect(server.peers).toHaveLength(0)
  })
})
