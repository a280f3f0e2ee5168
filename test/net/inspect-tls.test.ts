import { createHash, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connect, inspectTls } from '../../src/net/connect.ts'
import type { TlsInspection } from '../../src/net/connection.ts'
import { type Certificates, makeCertificate, makeCertificates } from '../support/certificates.ts'
import { closed, scriptedServer, scriptedTlsServer, send } from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { afterStls, failure, optionsFor, stlsServer } from './servers.ts'

let folder: TemporaryFolder
let files: Certificates
let ca: string
beforeAll(() => {
  folder = temporaryFolder('inspect-tls')
  files = makeCertificates(folder.path)
  ca = readFileSync(files.ca, 'utf8')
})
afterAll(() => folder.remove())

const sha256 = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex')
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/

function facts(pem: string) {
  const { raw, publicKey } = new X509Certificate(pem)
  return {
    fingerprint: sha256(raw),
    pin: sha256(publicKey.export({ type: 'spki', format: 'der' })),
    validFrom: expect.stringMatching(RFC_3339),
    validTo: expect.stringMatching(RFC_3339),
  }
}

describe('TlsFacts', () => {
  it('tell the whole chain, whoever shows its end', async () => {
    const tls = makeCertificate(files, {
      subject: '/O=Example/CN=pop.example.com',
      altNames: 'DNS:pop.example.com, IP:192.0.2.1, IP:2001:db8::1',
    })
    for (const cert of [tls.cert, tls.cert + ca]) {
      await using server = await scriptedTlsServer({ ...tls, cert }, [closed()])
      const connection = await connect(optionsFor(server.port, { ca }))
      expect(connection.peer).toEqual({
        address: '127.0.0.1',
        port: server.port,
        proxied: false,
        tls: {
          version: 'TLSv1.3',
          cipher: 'TLS_AES_256_GCM_SHA384',
          isPinned: false,
          chain: [
            {
              ...facts(tls.cert),
              subject: 'CN=pop.example.com',
              issuer: 'CN=popkeep test CA',
              names: ['pop.example.com', '192.0.2.1', '2001:DB8:0:0:0:0:0:1'],
              isSelfSigned: false,
            },
            {
              ...facts(ca),
              subject: 'CN=popkeep test CA',
              issuer: 'CN=popkeep test CA',
              names: ['popkeep test CA'],
              isSelfSigned: true,
            },
          ],
        },
      })
      connection.close()
    }
  })
})

describe('inspectTls', () => {
  it.each([
    ['expired', { days: [-9, -5] }, /the certificate expired on \d{4}-\d{2}-\d{2}$/],
    ['self-signed', { signedBy: 'itself' }, /the certificate is self-signed/],
    ['of another name', { altNames: 'DNS:mail.example.org' }, /is for mail\.example\.org, not for/],
    ['right', {}, undefined],
  ] as const)('shows a certificate that is %s, and closes', async (_what, wishes, sentence) => {
    const tls = makeCertificate(files, wishes)
    const check = ({ peer, problem }: TlsInspection) => {
      expect(peer.tls?.chain[0]).toMatchObject(facts(tls.cert))
      if (sentence) expect(problem).toMatchObject({ code: 'NET_TLS' })
      if (sentence) expect(problem?.message).toMatch(sentence)
      else expect(problem).toBeUndefined()
    }
    await using server = await scriptedTlsServer(tls, [send('+OK ready\r\n'), closed()])
    check(await inspectTls({ ...optionsFor(server.port, { ca }), tls: 'implicit' }))
    await server.played()
    for (const { received } of server.connections) expect(received).toHaveLength(0)

    await using behind = await stlsServer('+OK\r\n', async (peer) => {
      // The client may have gone before the server's side of the handshake is over.
      const upgraded = await peer.upgrade(tls).catch(() => undefined)
      await (upgraded?.peer ?? peer).ended()
      expect(upgraded?.peer.heard ?? []).toEqual([])
      expect(peer.text).toBe('STLS\r\n')
    })
    const connection = await afterStls(behind.port, { ca })
    check(await connection.inspectTls())
    // Never usable for anything.
    expect(connection.isTrusted).toBe(false)
    expect(() => connection.write(Buffer.from('USER me\r\n'))).toThrow(/closed after a look/)
    expect(await failure(connection.read(10_000))).toMatchObject({ code: 'NET_CLOSED' })
    await expect(connection.startTls()).rejects.toThrow()
    expect(connection.channelBinding()).toBeUndefined()
    await behind.played()
  })

  it('compares the key with the pinned one', async () => {
    const tls = makeCertificate(files, { signedBy: 'itself' })
    await using server = await scriptedTlsServer(tls, [closed()])
    const look = (pin: string) =>
      inspectTls({ ...optionsFor(server.port, { pin }), tls: 'implicit' })
    const right = await look(facts(tls.cert).pin)
    expect(right.problem).toBeUndefined()
    expect(right.peer.tls?.isPinned).toBe(true)
    const wrong = await look('0'.repeat(64))
    expect(wrong.problem?.message).toContain("the server's key is not the pinned one")
    expect(wrong.peer.tls?.isPinned).toBe(false)
  })

  it('fails where there is no TLS, and ends with its attempt', async () => {
    await using clear = await scriptedServer([send('+OK ready\r\n'), closed()])
    const look = (port: number, timeoutMs: number) =>
      failure(inspectTls({ ...optionsFor(port, { timeoutMs }), tls: 'implicit' }))
    expect(await look(clear.port, 10_000)).toMatchObject({ code: 'NET_NO_TLS' })
    await using silent = await scriptedServer([closed()])
    expect(await look(silent.port, 100)).toMatchObject({ code: 'NET_TIMEOUT' })
  })
})
