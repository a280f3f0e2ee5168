import { createHash, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { pinOf } from '../../src/net/certificate.ts'
import type { ChannelBinding } from '../../src/net/channel-binding.ts'
import { endPointHash } from '../../src/net/channel-binding.ts'
import { connect } from '../../src/net/connect.ts'
import {
  type Certificates,
  type CertificateWishes,
  makeCertificate,
  makeCertificates,
} from '../support/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { afterStls, optionsFor, rawServer, stlsServer } from './servers.ts'

let folder: TemporaryFolder
let files: Certificates
beforeAll(() => {
  folder = temporaryFolder('channel-binding')
  files = makeCertificates(folder.path)
})
afterAll(() => folder.remove())

const hex = (octets: Uint8Array | undefined) => octets && Buffer.from(octets).toString('hex')

const rsa = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']

describe('channelBinding', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is the same on both sides of %s', async (version) => {
    const tls = makeCertificate(files)
    const pin = pinOf(new X509Certificate(tls.cert))
    const ofServer: string[] = []
    const note = async (socket: TLSSocket) => {
      const { raw } = new X509Certificate(tls.cert)
      const octets =
        version === 'TLSv1.3'
          ? socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
          : createHash('sha256').update(raw).digest()
      ofServer.push(octets.toString('hex'))
      socket.write('+OK\r\n')
    }
    await using implicit = await rawServer(async (peer) => {
      const { tls: socket, peer: secured } = await peer.upgrade({ ...tls, maxVersion: version })
      await note(socket)
      await secured.ended()
    })
    await using stls = await stlsServer('+OK\r\n', async (peer) => {
      const { tls: socket, peer: secured } = await peer.upgrade({ ...tls, maxVersion: version })
      await note(socket)
      await secured.ended()
    })
    const ofClient: (ChannelBinding | undefined)[] = []
    for (let time = 0; time < 2; time += 1) {
      const connection = await connect(optionsFor(implicit.port, { pin }))
      await connection.read(10_000)
      ofClient.push(connection.channelBinding())
      connection.close()
    }
    const upgraded = await afterStls(stls.port, { pin })
    expect(upgraded.channelBinding()).toBeUndefined()
    await upgraded.startTls()
    await upgraded.read(10_000)
    ofClient.push(upgraded.channelBinding())
    upgraded.close()
    expect(upgraded.channelBinding()).toBeUndefined()

    expect(ofClient.map((binding) => hex(binding?.data))).toEqual(ofServer)
    const type = version === 'TLSv1.3' ? 'tls-exporter' : 'tls-server-end-point'
    expect(ofClient.map((binding) => binding?.type)).toEqual([type, type, type])
    // An exporter is of one connection, an end point of all.
    expect(new Set(ofServer).size).toBe(version === 'TLSv1.3' ? 3 : 1)
  })
})

describe('the hash for tls-server-end-point', () => {
  it.each<[string, CertificateWishes, string | undefined]>([
    ['ECDSA with SHA-256', { signature: ['-md', 'sha256'] }, 'sha256'],
    ['ECDSA with SHA-384', { signature: ['-md', 'sha384'] }, 'sha384'],
    ['ECDSA with SHA-512', { signature: ['-md', 'sha512'] }, 'sha512'],
    ['ECDSA with SHA-1', { signature: ['-md', 'sha1'] }, 'sha256'],
    ['RSA with SHA-1', { key: rsa, signature: ['-md', 'sha1'] }, 'sha256'],
    ['RSA with MD5', { key: rsa, signature: ['-md', 'md5'] }, 'sha256'],
    ['RSA with SHA-224', { key: rsa, signature: ['-md', 'sha224'] }, 'sha224'],
    ['RSA with SHA-256', { key: rsa, signature: ['-md', 'sha256'] }, 'sha256'],
    ['RSA with SHA-512', { key: rsa, signature: ['-md', 'sha512'] }, 'sha512'],
    [
      'RSASSA-PSS with SHA-384',
      { key: rsa, signature: ['-md', 'sha384', '-sigopt', 'rsa_padding_mode:pss'] },
      'sha384',
    ],
    [
      'RSASSA-PSS with SHA-1, which is its default',
      { key: rsa, signature: ['-md', 'sha1', '-sigopt', 'rsa_padding_mode:pss'] },
      'sha256',
    ],
    [
      'Ed25519, which has none',
      { key: ['-algorithm', 'ED25519'], signature: ['-md', 'null'] },
      undefined,
    ],
  ])('of %s', (_what, wishes, hash) => {
    const { cert } = makeCertificate(files, { ...wishes, signedBy: 'itself' })
    expect(endPointHash(new X509Certificate(cert).raw)).toBe(hash)
  })

  it('is none for octets that are no certificate, or part of one', () => {
    const { raw } = new X509Certificate(makeCertificate(files).cert)
    for (let length = 0; length < raw.length; length += 1) {
      expect(endPointHash(raw.subarray(0, length))).toBeUndefined()
    }
    expect(endPointHash(Buffer.from('30ffffffffffffff', 'hex'))).toBeUndefined()
    expect(endPointHash(Buffer.from('3080308006000000', 'hex'))).toBeUndefined()
  })
})
