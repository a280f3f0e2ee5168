import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { readClientCertificate } from '../../src/accounts/client-certificate.ts'
import { SecretError } from '../../src/accounts/errors.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { hasOpenssl } from '../support/openssl.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

async function messageOf(promise: Promise<unknown>, canary: string): Promise<string> {
  const caught = await promise.catch((error: unknown) => error)
  expect(caught).toBeInstanceOf(SecretError)
  expect(inspect(caught, { depth: 9 })).not.toContain(canary)
  return (caught as SecretError).message
}

describe.skipIf(!hasOpenssl)('a client certificate', () => {
  let folder: TemporaryFolder
  let made: Certificates
  let canary = ''
  beforeAll(() => {
    folder = temporaryFolder('client-certificate')
    made = makeCertificates(folder.path)
    chmodSync(made.key, 0o600)
    canary = readFileSync(made.key, 'utf8').split('\n')[1]?.slice(0, 24) ?? ''
    expect(canary).not.toBe('')
  })
  afterAll(() => folder.remove())

  const file = (name: string, content: string, mode = 0o600): string => {
    const path = join(folder.path, name)
    writeFileSync(path, content)
    chmodSync(path, mode)
    return path
  }

  it('is read with its key', async () => {
    const { certificate, key } = made
    const pems = { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    expect(await readClientCertificate({ certificate, key })).toEqual(pems)
    const both = file('both.pem', pems.key + pems.certificate)
    expect(await readClientCertificate({ certificate: both, key: both })).toEqual({
      certificate: pems.key + pems.certificate,
      key: pems.key + pems.certificate,
    })
  })

  it('has a key that others cannot read', async () => {
    const open = file('open.key', readFileSync(made.key, 'utf8'), 0o640)
    const paths = { certificate: made.certificate, key: open }
    expect(await messageOf(readClientCertificate(paths), canary)).toBe(
      `others can read the key file ${open}; make it private: chmod 600`,
    )
    expect((await readClientCertificate(paths, folder.path)).key).toContain(canary)
  })

  it('and its key are in the files', async () => {
    const { certificate, key } = made
    const act = (paths: { certificate: string; key: string }) =>
      messageOf(readClientCertificate(paths), 'hunter2')
    expect(await act({ certificate, key: join(folder.path, 'gone') })).toContain('ENOENT')
    expect(await act({ certificate: join(folder.path, 'gone'), key })).toContain('ENOENT')
  })
})
