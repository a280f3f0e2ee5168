import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asciiHost, isForHost, namesOf } from '../../src/net/certificate-name.ts'
import {
  type Certificates,
  makeCertificate,
  makeCertificates,
  rawDnsNames,
} from '../support/certificates.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

let folder: TemporaryFolder
let files: Certificates
beforeAll(() => {
  folder = temporaryFolder('certificate-name')
  files = makeCertificates(folder.path)
})
afterAll(() => folder.remove())

function certificate(altNames: string | undefined, subject?: string): X509Certificate {
  return new X509Certificate(makeCertificate(files, { altNames, subject }).cert)
}

describe('the names of a certificate', () => {
  it.each([
    [
      'the same name',
      'DNS:pop.example.com',
      ['pop.example.com', 'POP.Example.COM', 'pop.example.com.'],
    ],
    ['one of several', 'DNS:a.example, DNS:pop.example.com', ['a.example', 'pop.example.com']],
    ['a wildcard for one label', 'DNS:*.example.com', ['pop.example.com', 'b.example.com']],
    ['an address', 'IP:192.0.2.1, IP:2001:db8::1', ['192.0.2.1', '2001:db8::1', '2001:DB8:0:0::1']],
    ['an address with a zone', 'IP:fe80::1', ['fe80::1%lo', 'fe80::1%25']],
    ['a name in another script', 'DNS:pop.xn--mnchen-3ya.example', ['pop.m\u00fcnchen.example']],
  ])('accept %s', (_what, altNames, hosts) => {
    const made = certificate(altNames)
    for (const host of hosts) expect(isForHost(made, host), host).toBe(true)
  })

  it.each([
    ['another name', 'DNS:mail.example.org', ['pop.example.com']],
    ['a name below or above', 'DNS:pop.example.com', ['a.pop.example.com', 'example.com', 'om']],
    ['a wildcard for two labels', 'DNS:*.example.com', ['a.b.example.com']],
    ['a wildcard for no label', 'DNS:*.example.com', ['example.com', '.example.com']],
    ['a wildcard for part of a label', 'DNS:f*.example.com', ['foo.example.com', 'f.example.com']],
    ['a wildcard at the end of a label', 'DNS:*o.example.com', ['foo.example.com']],
    ['a wildcard below a top-level domain', 'DNS:*.com', ['example.com']],
    ['a wildcard for everything', 'DNS:*', ['example', 'example.com']],
    ['two wildcards', 'DNS:*.*.example.com', ['a.b.example.com', '*.b.example.com']],
    ['a wildcard that is not left-most', 'DNS:pop.*.example.com', ['pop.a.example.com']],
    ['a wildcard for an address', 'DNS:*.0.2.1', ['192.0.2.1']],
    ['an address written as a name', 'DNS:192.0.2.1', ['192.0.2.1']],
    [
      'a name for an address',
      'IP:192.0.2.1',
      ['192.0.2.2', 'pop.example.com', '192.0.2.1.example'],
    ],
    [
      'an e-mail address or URI',
      'email:me@pop.example.com, URI:https://pop.example.com/',
      ['pop.example.com'],
    ],
    ['no host', 'DNS:pop.example.com', ['', '.']],
  ])('refuse %s', (_what, altNames, hosts) => {
    const made = certificate(altNames, '/CN=other.example')
    for (const host of hosts) expect(isForHost(made, host), host).toBe(false)
  })

  it('are the common name only where there are no alternative names', () => {
    expect(isForHost(certificate(undefined), 'pop.example.com')).toBe(true)
    expect(isForHost(certificate(undefined), 'mail.example.com')).toBe(false)
    for (const altNames of ['DNS:mail.example.com', 'IP:192.0.2.1', 'email:me@example.com']) {
      expect(isForHost(certificate(altNames), 'pop.example.com'), altNames).toBe(false)
    }
  })

  it('refuse a NUL, wherever it stands', () => {
    const names = ['pop.example.com\0.evil.example', 'pop.example.com\0', '\0pop.example.com']
    for (const name of names) {
      const made = certificate(rawDnsNames(name))
      expect(made.raw.includes(Buffer.from(name, 'latin1'))).toBe(true)
      expect(isForHost(made, 'pop.example.com'), JSON.stringify(name)).toBe(false)
      expect(isForHost(made, name), JSON.stringify(name)).toBe(false)
    }
    // Who gets a CA to sign one has not been checked for the others either.
    const beside = certificate(rawDnsNames('pop.example.com', 'mail.example.com\0.evil.example'))
    expect(isForHost(beside, 'pop.example.com')).toBe(false)
    // The signature is not right any more; names are looked at all the same.
    const { raw } = certificate(undefined, '/CN=pop.example.com!.evil.example')
    const patched = Buffer.from(raw)
    for (let at = patched.indexOf('!.evil'); at !== -1; at = patched.indexOf('!.evil')) {
      patched[at] = 0
    }
    const made = new X509Certificate(patched)
    expect(made.raw.includes(Buffer.from('pop.example.com\0.evil'))).toBe(true)
    expect(isForHost(made, 'pop.example.com')).toBe(false)
    expect(isForHost(made, 'pop.example.com\0.evil.example')).toBe(false)
  })

  it('are listed for people', () => {
    expect(namesOf(certificate('DNS:a.example, IP:192.0.2.1, email:me@b.example'))).toEqual([
      'a.example',
      '192.0.2.1',
    ])
    expect(namesOf(certificate(undefined))).toEqual(['pop.example.com'])
    expect(namesOf(certificate(rawDnsNames('a.example, DNS:b.example')))).toEqual([
      String.raw`"a.example\u002c DNS:b.example"`,
    ])
  })
})

describe('asciiHost', () => {
  it.each([
    ['pop.example.com', 'pop.example.com'],
    ['pop.example.com.', 'pop.example.com'],
    ['m\u00fcnchen.example', 'xn--mnchen-3ya.example'],
    ['127.1', '127.1'],
    ['2001:db8::1', '2001:db8::1'],
  ])('%s is %s', (host, ascii) => {
    expect(asciiHost(host)).toBe(ascii)
  })
})
