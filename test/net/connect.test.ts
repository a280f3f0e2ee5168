import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectOptions, connect } from '../../src/net/connect.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import {
  closed,
  expectLine,
  fin,
  reset,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const options = (port: number, more: Partial<ConnectOptions> = {}): ConnectOptions => ({
  host: '127.0.0.1',
  port,
  tls: 'none',
  timeoutMs: 10_000,
  ...more,
})

const text = (octets: Uint8Array | undefined): string | undefined =>
  octets && Buffer.from(octets).toString('latin1')

describe('connect in clear text', () => {
  it('writes, pulls chunks, and sees the end', async () => {
    await using server = await scriptedServer([expectLine('hello'), send('+OK\r\n'), fin()])
    const connection = await connect(options(server.port))
    expect(connection.isTrusted).toBe(true)
    connection.write(Buffer.from('hello\r\n'))
    expect(text(await connection.read(10_000))).toBe('+OK\r\n')
    expect(await connection.read(10_000)).toBeUndefined()
    connection.close()
    expect(connection.isTrusted).toBe(false)
  })

  it('names a port where nobody listens', async () => {
    const server = createServer()
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      })
    })
    await new Promise((resolve) => server.close(resolve))
    await expect(connect(options(port))).rejects.toMatchObject({ code: 'NET_REFUSED' })
  })

  it('names a host that does not resolve', async () => {
    const host = 'popkeep.invalid'
    await expect(connect(options(995, { host, tls: 'implicit' }))).rejects.toMatchObject({
      code: 'NET_DNS',
    })
  })

  it('has one deadline up to the first read that brings its own', async () => {
    await using server = await scriptedServer([send('+'), closed()])
    const connection = await connect(options(server.port, { timeoutMs: 1_000 }))
    expect(text(await connection.read())).toBe('+')
    await expect(connection.read()).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
  })

  it('moves the deadline of later reads with each chunk', async () => {
    await using server = await scriptedServer([send('a'), expectLine('b'), send('c'), closed()])
    const connection = await connect(options(server.port))
    expect(text(await connection.read(10_000))).toBe('a')
    connection.write(Buffer.from('b\r\n'))
    expect(text(await connection.read(10_000))).toBe('c')
    await expect(connection.read(50)).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
    expect(() => connection.write(Buffer.from('x'))).toThrow(
      expect.objectContaining({ code: 'NET_TIMEOUT' }),
    )
  })

  it('reports a reset', async () => {
    await using server = await scriptedServer([expectLine('now'), reset()])
    const connection = await connect(options(server.port))
    connection.write(Buffer.from('now\r\n'))
    await expect(connection.read(10_000)).rejects.toMatchObject({ code: 'NET_CLOSED' })
  })

  it('lets the first reason to close win', async () => {
    await using server = await scriptedServer([closed()])
    const connection = await connect(options(server.port))
    const first = new Error('first')
    connection.close(first)
    connection.close(new Error('second'))
    await expect(connection.read(10_000)).rejects.toBe(first)
  })

  it('sends what was written before it closes in good form', async () => {
    await using server = await scriptedServer([expectLine('QUIT'), closed()])
    const connection = await connect(options(server.port))
    connection.write(Buffer.from('QUIT\r\n'))
    connection.close()
    await server.played()
  })

  it('is closed by its signal, while it connects and later', async () => {
    await using server = await scriptedServer([closed()])
    const controller = new AbortController()
    const { signal } = controller
    const connection = await connect(options(server.port, { signal }))
    const reading = connection.read(10_000)
    const connecting = connect(options(server.port, { signal }))
    controller.abort()
    await expect(reading).rejects.toBe(signal.reason)
    await expect(connecting).rejects.toBe(signal.reason)
    await expect(connect(options(server.port, { signal }))).rejects.toBe(signal.reason)
  })
})

describe('connect over TLS', () => {
  let folder: TemporaryFolder
  let files: Certificates
  let tls: { cert: Buffer; key: Buffer }
  let ca: string
  let pin: string
  beforeAll(() => {
    folder = temporaryFolder('connect')
    files = makeCertificates(folder.path)
    tls = { cert: readFileSync(files.certificate), key: readFileSync(files.key) }
    ca = readFileSync(files.ca, 'utf8')
    const key = new X509Certificate(tls.cert).publicKey.export({ type: 'spki', format: 'der' })
    pin = createHash('sha256').update(key).digest('hex')
  })
  afterAll(() => folder.remove())

  it('trusts a certificate that the given CA signed, by name and by address', async () => {
    await using server = await scriptedTlsServer(tls, [send('+OK\r\n'), closed()])
    for (const host of ['localhost', '127.0.0.1']) {
      const connection = await connect(options(server.port, { host, tls: 'implicit', ca }))
      expect(connection.isTrusted).toBe(true)
      expect(text(await connection.read(10_000))).toBe('+OK\r\n')
      connection.close()
    }
  })

  it('refuses an unknown CA', async () => {
    await using server = await scriptedTlsServer(tls, [closed()])
    await expect(connect(options(server.port, { tls: 'implicit' }))).rejects.toMatchObject({
      code: 'NET_TLS',
    })
  })

  it('refuses a certificate for another name', async () => {
    // The CA's own certificate, shown by the server, is trusted but names no host.
    const own = { cert: readFileSync(files.ca), key: readFileSync(join(folder.path, 'ca.key')) }
    await using server = await scriptedTlsServer(own, [closed()])
    await expect(connect(options(server.port, { tls: 'implicit', ca }))).rejects.toMatchObject({
      code: 'NET_TLS',
      message: expect.stringContaining('the certificate is for popkeep test CA, not for 127.0.0.1'),
    })
  })

  it('lets a pin replace chain and name, and refuses another key', async () => {
    await using server = await scriptedTlsServer(tls, [closed()])
    const connection = await connect(options(server.port, { tls: 'implicit', pin }))
    expect(connection.isTrusted).toBe(true)
    connection.close()
    const wrong = '0'.repeat(64)
    await expect(
      connect(options(server.port, { tls: 'implicit', ca, pin: wrong })),
    ).rejects.toMatchObject({ code: 'NET_TLS' })
  })

  it('refuses TLS older than 1.2', async () => {
    await using server = await scriptedTlsServer(
      { ...tls, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      [closed()],
    )
    await expect(connect(options(server.port, { tls: 'implicit', ca }))).rejects.toMatchObject({
      code: 'NET_TLS',
    })
  })

  it('refuses a server that speaks in clear text', async () => {
    await using server = await scriptedServer([send('+OK ready\r\n'), closed()])
    await expect(connect(options(server.port, { tls: 'implicit', ca }))).rejects.toMatchObject({
      code: 'NET_NO_TLS',
      message: `127.0.0.1:${server.port}: this port does not speak TLS (is it the clear-text port?)`,
    })
  })

  it('bounds a handshake that never ends', async () => {
    await using server = await scriptedServer([closed()])
    await expect(
      connect(options(server.port, { tls: 'implicit', ca, timeoutMs: 100 })),
    ).rejects.toMatchObject({ code: 'NET_TIMEOUT' })
  })

  it('refuses to run where the environment switches certificate checks off', async () => {
    const environment = { NODE_TLS_REJECT_UNAUTHORIZED: '0' }
    await expect(connect(options(1, { tls: 'implicit', environment }))).rejects.toMatchObject({
      code: 'NET_POLICY',
    })
  })
})
