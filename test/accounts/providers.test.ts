import { describe, expect, it } from 'vitest'

import { hostName, isWithin, parseMailAddress } from '../../src/accounts/mail-address.ts'
import { PROVIDERS } from '../../src/accounts/provider-table.ts'
import {
  providerOfAddress,
  providerOfExchanger,
  providerOfHost,
  userAt,
} from '../../src/accounts/providers.ts'

describe('the table of providers', () => {
  it('has each domain once, so that an address has one provider', () => {
    const domains = PROVIDERS.flatMap((provider) => provider.domains)
    expect(domains.filter((domain, index) => domains.indexOf(domain) !== index)).toEqual([])
  })

  it('has each server once, so that a refused login has one hint', () => {
    const hosts = PROVIDERS.flatMap(({ server, otherHosts }) => [
      ...(server ? [server.host] : []),
      ...otherHosts,
    ])
    expect(hosts.filter((host, index) => hosts.indexOf(host) !== index)).toEqual([])
  })

  it.each(PROVIDERS.map((provider) => [provider.name, provider] as const))(
    'says of %s only what can be looked up and sent',
    (_name, { domains, server, otherHosts, exchangers, login, oauth, hint }) => {
      for (const name of [...domains, ...otherHosts, ...exchangers, server?.host ?? 'a.example']) {
        expect(hostName(name)).toBe(name)
        expect(name).toContain('.')
      }
      expect(server?.tls).not.toBe('none')
      if (server) expect(server.port).toBe(server.tls === 'implicit' ? 995 : 110)
      else expect(hint).toMatch(/no POP|neither POP/)
      // One sentence: what prints it puts the full stop.
      expect(hint ?? 'said').toMatch(/^[\x20-\x7e]+[^.]$/)
      if (login === 'oauth') expect(oauth).toBeDefined()
    },
  )
})

describe('finding a provider', () => {
  it.each([
    ['me@gmail.com', 'Gmail', 'pop.gmail.com'],
    ['Me.Too@GoogleMail.com', 'Gmail', 'pop.gmail.com'],
    ['a@b@hotmail.co.uk', 'Microsoft', 'outlook.office365.com'],
    ['me@web.de', 'WEB.DE', 'pop3.web.de'],
    ['me@tim.it', 'TIM', 'pop.tim.it'],
    ['me@verizon.net.', 'AOL', 'pop.aol.com'],
    ['me@icloud.com', 'iCloud', undefined],
    ['me@pm.me', 'Proton Mail', undefined],
  ])('by the address %s', (address, name, host) => {
    const provider = providerOfAddress(address)
    expect(provider?.name).toBe(name)
    expect(provider?.server?.host).toBe(host)
  })

  it.each([
    'me@hotmail.example',
    'me@gmail.com.example',
    'me@sub.gmail.com',
    'me@xgmail.com',
    'gmail.com',
    '@gmail.com',
    'me@gm\u0430il.com',
    '',
  ])('not by %j', (address) => {
    expect(providerOfAddress(address)).toBeUndefined()
  })

  it.each([
    ['pop.gmail.com', 'Gmail'],
    ['POP.GMX.NET.', 'GMX'],
    ['pop-mail.outlook.com', 'Microsoft'],
    ['pop.1und1.de', 'IONOS'],
    ['gmail.com', undefined],
    ['evil.pop.gmail.com', undefined],
    ['127.0.0.1', undefined],
    ['::1', undefined],
  ])('by the POP server %s', (host, name) => {
    expect(providerOfHost(host)?.name).toBe(name)
  })

  it.each([
    ['aspmx.l.google.com', 'Gmail'],
    ['ALT1.ASPMX.L.GOOGLE.COM.', 'Gmail'],
    ['example-com.mail.protection.outlook.com', 'Microsoft'],
    ['example-com.o-v1.mx.microsoft', 'Microsoft'],
    ['in1-smtp.messagingengine.com', 'Fastmail'],
    ['mx00.kundenserver.de', 'IONOS'],
    ['mail.protonmail.ch', 'Proton Mail'],
    ['aspmx.l.google.com.example', undefined],
    ['notgoogle.com', undefined],
    ['', undefined],
    ['.', undefined],
  ])('by the mail exchanger %j', (exchanger, name) => {
    expect(providerOfExchanger(exchanger)?.name).toBe(name)
  })

  it.each([
    ['me@web.de', 'me'],
    ['me@gmail.com', 'me@gmail.com'],
    ['odd@name@free.fr', 'odd@name'],
  ])('%s logs in as %s', (address, user) => {
    expect(userAt(providerOfAddress(address)!, address)).toBe(user)
  })
})

describe('a mail address', () => {
  it('has its domain in ASCII', () => {
    expect(parseMailAddress('me@B\u00fccher.Example')).toEqual({
      localPart: 'me',
      domain: 'xn--bcher-kva.example',
    })
  })

  it.each([
    'me',
    'me@',
    '@example.com',
    'm e@example.com',
    'me\n@example.com',
    'me@exa mple.com',
    'me@example.com/path',
    'me@example.com:995',
    'me@exam\tple.com',
    'me@example\uff0fcom',
    'me@example.com\uff1a995',
    'me@exa%6dple.com',
    'me@-example.com',
    'me@example..com',
    'me@[127.0.0.1]',
    'me@127.0.0.1',
    'me@0x7f.1',
    'me@_pop3s._tcp.example.com',
    `me@${'a'.repeat(64)}.example`,
    `me@${'a.'.repeat(130)}example`,
  ])('is not %j', (text) => {
    expect(parseMailAddress(text)).toBeUndefined()
  })

  it('knows what stands below a domain', () => {
    expect(isWithin('pop.example.com', 'example.com')).toBe(true)
    expect(isWithin('example.com', 'example.com')).toBe(true)
    expect(isWithin('badexample.com', 'example.com')).toBe(false)
  })
})
