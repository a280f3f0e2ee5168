import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { TlsOptions } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ConnectOptions, connect } from '../../src/net/connect.ts'
import {
  type Certificates,
  type CertificateWishes,
  makeCertificate,
  makeCertificates,
  rawDnsNames,
} from '../support/certificates.ts'
import { makeClientCertificate } from '../support/client-certificate.ts'
import { closed, expectLine, scriptedTlsServer, send } from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { afterStls, failure, latin1, optionsFor, rawServer, stlsServer } from './servers.ts'

/** As the certificate has it: midnight may have passed since it was made. */
const dayOf = (date: string) => new Date(date).toISOString().slice(0, 10)

let folder: TemporaryFolder
let files: Certificates
let ca: string
beforeAll(() => {
  folder = temporaryFolder('certificate-matrix')
  files = makeCertificates(folder.path)
  ca = readFileSync(files.ca, 'utf8')
})
afterAll(() => folder.remove())

const good: CertificateWishes = { altNames: 'DNS:pop.example.com, IP:127.0.0.1' }

function pinOf(pem: string): string {
  const key = new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(key).digest('hex')
}

/** Connects by implicit TLS and behind STLS; both must say the same, and nothing may have been heard but TLS. */
async function refusal(tls: TlsOptions, more: Partial<ConnectOptions> = {}): Promise<string> {
  await using server = await scriptedTlsServer(tls, [closed()])
  const error = await failure(connect(optionsFor(server.port, { ca, ...more })))
  expect(error).toMatchObject({ name: 'NetworkError', code: 'NET_TLS' })
  for (const { received } of server.connections) expect(received).toHaveLength(0)

  await using behind = await stlsServer('+OK\r\n', async (peer) => {
    const upgraded = await peer.upgrade(tls as { cert: string; key: string }).catch(() => undefined)
    await (upgraded?.peer ?? peer).ended()
    expect(peer.text).toBe('STLS\r\n')
    expect(upgraded?.peer.heard ?? []).toEqual([])
  })
  const connection = await afterStls(behind.port, { ca, ...more })
  const same = await failure(connection.startTls())
  expect(connection.isTrusted).toBe(false)
  expect(() => connection.write(Buffer.from('PASS x\r\n'))).toThrow(same)
  expect(connection.failure).toBe(same)
  expect(same).toMatchObject({ code: 'NET_TLS' })
  await behind.played()
  const sentence = (message: string) => message.slice(message.indexOf(': ') + 2)
  expect(sentence(same.message)).toBe(sentence(error.message))
  return sentence(error.message)
}

describe('a certificate that is not right', () => {
  it.each<[string, CertificateWishes, string | ((made: X509Certificate) => string)]>([
    [
      'expired',
      { ...good, days: [-9, -5] },
      ({ validTo }) => `the certificate expired on ${dayOf(validTo)}`,
    ],
    [
      'not yet valid',
      { ...good, days: [5, 9] },
      ({ validFrom }) =>
        `the certificate is not valid before ${dayOf(validFrom)} (is the clock right here?)`,
    ],
    [
      'wrong name',
      { altNames: 'DNS:mail.example.org' },
      'the certificate is for mail.example.org, not for pop.example.com',
    ],
    [
      'many wrong names',
      { altNames: 'DNS:a.example, DNS:b.example, DNS:c.example, DNS:d.example, IP:192.0.2.1' },
      'the certificate is for a.example, b.example, c.example and 2 more, not for pop.example.com',
    ],
    [
      'self-signed',
      { ...good, signedBy: 'itself' },
      'the certificate is self-signed: nobody vouches for it',
    ],
    [
      'NUL in the name',
      { altNames: rawDnsNames('pop.example.com\0.evil.example') },
      String.raw`the certificate is for "pop.example.com\u0000.evil.example", not for pop.example.com`,
    ],
    [
      'wildcard for part of a label',
      { altNames: 'DNS:p*.example.com' },
      'the certificate is for p*.example.com, not for pop.example.com',
    ],
    [
      'wildcard one label too high',
      { altNames: 'DNS:*.com' },
      'the certificate is for *.com, not for pop.example.com',
    ],
    [
      'right common name beside other names',
      { altNames: 'DNS:mail.example.com' },
      'the certificate is for mail.example.com, not for pop.example.com',
    ],
  ])('is refused: %s', async (_what, wishes, sentence) => {
    const tls = makeCertificate(files, wishes)
    const wanted = typeof sentence === 'string' ? sentence : sentence(new X509Certificate(tls.cert))
    expect(await refusal(tls)).toBe(wanted)
  })

  it('is refused: signed by a CA that nobody here knows', async () => {
    const tls = makeCertificate(files, good)
    expect(await refusal(tls, { ca: undefined })).toBe(
      'nobody that this machine trusts signed the certificate',
    )
    const other = makeCertificate(files, { signedBy: 'itself' }).cert
    expect(await refusal(tls, { ca: other })).toBe(
      'none of the given CA certificates signed the certificate',
    )
  })

  it('is refused: a name where an address is wanted, and the other way about', async () => {
    const named = makeCertificate(files, { altNames: 'DNS:pop.example.com, DNS:127.0.0.1' })
    expect(await refusal(named, { host: '127.0.0.1' })).toContain('not for 127.0.0.1')
    const addressed = makeCertificate(files, { altNames: 'IP:127.0.0.1' })
    expect(await refusal(addressed)).toBe(
      'the certificate is for 127.0.0.1, not for pop.example.com',
    )
  })

  it('is refused: another key than the pinned one, valid or not', async () => {
    const pin = '0'.repeat(64)
    const sentence = "the server's key is not the pinned one"
    expect(await refusal(makeCertificate(files, good), { pin })).toBe(sentence)
    const selfSigned = makeCertificate(files, { ...good, signedBy: 'itself' })
    expect(await refusal(selfSigned, { pin, ca: undefined })).toBe(sentence)
    // The pin of the CA's key is no pin of the server's.
    expect(await refusal(makeCertificate(files, good), { pin: pinOf(ca) })).toBe(sentence)
  })
})

describe('a certificate that is right', () => {
  it.each<[string, CertificateWishes, Partial<ConnectOptions>]>([
    ['by its name', good, {}],
    ['by its address', good, { host: '127.0.0.1' }],
    ['by a wildcard', { altNames: 'DNS:*.example.com' }, {}],
    ['by its common name alone', {}, {}],
  ])('is trusted %s', async (_what, wishes, more) => {
    const tls = makeCertificate(files, wishes)
    await using server = await scriptedTlsServer(tls, [send('+OK\r\n'), closed()])
    const connection = await connect(optionsFor(server.port, { ca, ...more }))
    expect(connection.isTrusted && connection.isEncrypted).toBe(true)
    expect(latin1(await connection.read(10_000))).toBe('+OK\r\n')
    expect(connection.peer.tls?.isPinned).toBe(false)
    connection.close()
  })

  it.each<[string, CertificateWishes]>([
    ['valid', good],
    ['self-signed', { signedBy: 'itself' }],
    ['expired', { ...good, days: [-9, -5] }],
    ['for another name', { altNames: 'DNS:mail.example.org' }],
  ])('is trusted by its pin: %s', async (_what, wishes) => {
    const tls = makeCertificate(files, wishes)
    await using server = await scriptedTlsServer(tls, [send('+OK\r\n'), closed()])
    const connection = await connect(optionsFor(server.port, { pin: pinOf(tls.cert) }))
    expect(connection.isTrusted).toBe(true)
    expect(connection.peer.tls?.isPinned).toBe(true)
    connection.close()
  })

  it('is trusted as its own CA', async () => {
    const tls = makeCertificate(files, { ...good, signedBy: 'itself' })
    await using server = await scriptedTlsServer(tls, [closed()])
    const connection = await connect(optionsFor(server.port, { ca: tls.cert }))
    expect(connection.isTrusted).toBe(true)
    connection.close()
  })

  it('cannot be changed later on', async () => {
    const tls = makeCertificate(files, good)
    let renegotiated: unknown = 'not asked'
    await using server = await rawServer(async (peer) => {
      const { tls: socket, peer: secured } = await peer.upgrade({ ...tls, maxVersion: 'TLSv1.2' })
      await secured.until(/CAPA\r\n$/)
      renegotiated = await new Promise((resolve) => {
        socket.on('error', resolve)
        socket.on('close', () => resolve('closed'))
        socket.renegotiate({}, (error) => resolve(error))
      })
    })
    const connection = await connect(optionsFor(server.port, { ca }))
    connection.write(Buffer.from('CAPA\r\n'))
    await connection.read(10_000).catch(() => {})
    await server.played()
    // Null would say that it was done.
    expect(renegotiated).toBeTruthy()
    connection.close()
  })

  it('is asked for by the name, and without one by the address', async () => {
    const asked: string[] = []
    const tls: TlsOptions = {
      ...makeCertificate(files, good),
      SNICallback: (name, done) => {
        asked.push(name)
        done(null)
      },
    }
    await using server = await scriptedTlsServer(tls, [closed()])
    for (const host of ['pop.example.com.', '127.0.0.1']) {
      const connection = await connect(optionsFor(server.port, { ca, host }))
      connection.close()
    }
    expect(asked).toEqual(['pop.example.com'])
  })
})

describe('a client certificate', () => {
  it('is shown to a server that asks for one', async () => {
    const clientCertificate = makeClientCertificate(files, 'me')
    const tls = { ...makeCertificate(files, good), ca, requestCert: true, rejectUnauthorized: true }
    await using server = await scriptedTlsServer(tls, [expectLine('AUTH EXTERNAL ='), closed()])
    const connection = await connect(optionsFor(server.port, { ca, clientCertificate }))
    connection.write(Buffer.from('AUTH EXTERNAL =\r\n'))
    connection.close()
    await server.played()

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      await using strict = await scriptedTlsServer({ ...tls, maxVersion }, [closed()])
      const bare = connect(optionsFor(strict.port, { ca })).then((open) => open.read(10_000))
      expect((await failure(bare)).code).toMatch(/^NET_(TLS|CLOSED)$/)
    }
  })

  it('is refused before anything is connected, if it cannot be used', async () => {
    const { certificate, key } = makeClientCertificate(files, 'me')
    const other = makeClientCertificate(files, 'you').key
    const attempt = (clientCertificate: { certificate: string; key: string }) =>
      failure(connect(optionsFor(1, { clientCertificate })))
    expect(await attempt({ certificate: 'no PEM', key })).toMatchObject({
      code: 'NET_ARGUMENT',
      message: 'the client certificate holds no readable PEM certificate',
    })
    expect(await attempt({ certificate, key: 'no PEM' })).toMatchObject({
      code: 'NET_ARGUMENT',
      message: 'the client certificate or its key cannot be read as PEM',
    })
    expect(await attempt({ certificate, key: other })).toMatchObject({
      code: 'NET_ARGUMENT',
      message: 'the key does not belong to the client certificate',
    })
    const cipher = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const
    const withPassphrase = createPrivateKey(key)
      .export({ type: 'pkcs8', ...cipher })
      .toString()
    // The second is what some keys are to OpenSSL: an empty passphrase seems to fit, and the contents are no key.
    const damaged = withPassphrase.replace(/^M.*$/m, 'MAAA')
    for (const locked of [withPassphrase, damaged]) {
      expect(await attempt({ certificate, key: locked })).toMatchObject({
        code: 'NET_ARGUMENT',
        message: expect.stringContaining('has a passphrase'),
      })
    }
  })

  it('has a CA file beside it that must hold a certificate', async () => {
    expect(await failure(connect(optionsFor(1, { ca: 'nothing' })))).toMatchObject({
      code: 'NET_ARGUMENT',
      message: 'the file of CA certificates holds no readable PEM certificate',
    })
  })
})
