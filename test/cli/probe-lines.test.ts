import { describe, expect, it } from 'vitest'
import type { Account } from '../../src/accounts/account.ts'
import { textWidth } from '../../src/cli/columns.ts'
import { type Findings, probeJson } from '../../src/cli/probe-json.ts'
import { maildropText, serverText } from '../../src/cli/probe-lines.ts'
import { chooseServer } from '../../src/cli/server-choice.ts'
import type { CapabilityAnswer, ServerReport } from '../../src/client/probe.ts'
import type { MaildropReport } from '../../src/client/probe-maildrop.ts'
import { LoginError } from '../../src/client/refusal.ts'
import type { CertificateFacts } from '../../src/net/certificate.ts'
import { NetworkError } from '../../src/net/errors.ts'
import { parseCapabilities } from '../../src/pop3/capabilities.ts'
import { CommandError } from '../../src/pop3/errors.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const HOSTILE = '\x1b]0;owned\x07\u202egnp.exe\r\nSTAT'

const account: Account = chooseServer(
  'pops://me%40example.com@pop.example.com',
  {},
  () => undefined,
)
const listed = (...lines: readonly string[]): CapabilityAnswer => ({
  answer: 'listed',
  capabilities: parseCapabilities(lines),
})

const own: CertificateFacts = {
  subject: 'CN=pop.example.com, O=Example',
  issuer: 'CN=Example CA',
  names: ['pop.example.com', 'mail.example.com'],
  validFrom: '2026-10-01T00:00:00Z',
  validTo: '2026-12-30T23:59:59Z',
  fingerprint: 'ab'.repeat(32),
  pin: 'cd'.repeat(32),
  isSelfSigned: false,
}
const root: CertificateFacts = { ...own, subject: 'CN=Example CA', names: [], isSelfSigned: true }

const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', isPinned: false }
const peer = {
  ...{ address: '192.0.2.7', port: 995, proxied: false },
  tls: { ...tls, chain: [own, root] },
}

const server: ServerReport = {
  peer,
  certificateProblem: undefined,
  greeting: '+OK ready <1.2@pop.example.com>',
  capabilities: listed(
    ...['TOP', 'UIDL', 'USER', 'SASL PLAIN NTLM', 'LOGIN-DELAY 900 USER', 'EXPIRE 60'],
    ...['IMPLEMENTATION Example 1.0'],
  ),
  mechanisms: [
    { name: 'PLAIN', isOffered: true, place: 1, reason: undefined },
    { name: 'USER', isOffered: true, place: 2, reason: undefined },
    { name: 'NTLM', isOffered: true, place: undefined, reason: 'popkeep does not have it' },
  ],
  failure: undefined,
}

const maildrop: MaildropReport = {
  mechanism: 'PLAIN',
  capabilities: listed('TOP', 'UIDL', 'PIPELINING', 'LOGIN-DELAY 300', 'EXPIRE 60'),
  drop: { messages: 1204, octets: 45_123_456 },
  sizes: { messages: 1204, octets: 45_123_000, smallest: 812, largest: 3_400_000, unsized: 0 },
  uidl: { isAnnounced: true, result: 'works', messages: 1203, distinct: 1200, missing: 1 },
  top: { isAnnounced: false, result: 'works', listedOctets: 812, octets: 700 },
  pipelining: { isAnnounced: true, result: 'works' },
  quit: 'done',
}

const nothing: ServerReport = {
  ...{ peer: undefined, certificateProblem: undefined, greeting: undefined },
  ...{ capabilities: undefined, mechanisms: undefined, failure: undefined },
}

const untrusted = (problem: NetworkError, certificate = own): ServerReport => ({
  ...nothing,
  peer: { ...peer, tls: { ...tls, chain: [certificate] } },
  certificateProblem: problem,
  failure: problem,
})

const problem = (sentence: string, code?: string): NetworkError => {
  const cause = code === undefined ? undefined : Object.assign(new Error(code), { code })
  return new NetworkError('NET_TLS', `pop.example.com:995: ${sentence}`, cause)
}

const text = (report: ServerReport, at: Account = account): string =>
  serverText(at, undefined, report, NOW)

describe('what a probe shows of a server', () => {
  it('that is as it should be', () => {
    expect(text(server)).toMatchInlineSnapshot(`
      "Server
        host         pop.example.com, port 995
        address      192.0.2.7
        protection   TLS from the first octet
        greeting     "+OK ready <1.2@pop.example.com>"

      TLS
        version      TLSv1.3, TLS_AES_256_GCM_SHA384
        trusted      yes, for this host, signed by an authority that this machine
                     trusts

      Certificate of the server
        subject      CN=pop.example.com, O=Example
        names        pop.example.com, mail.example.com
        issuer       CN=Example CA
        valid        2026-10-01T00:00:00Z to 2026-12-30T23:59:59Z, 37 days left
        fingerprint  abababababababababababababababababababababababababababababababab
        pin          cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd

      Signed by
        subject      CN=Example CA
        issuer       itself
        valid        2026-10-01T00:00:00Z to 2026-12-30T23:59:59Z, 37 days left
        fingerprint  abababababababababababababababababababababababababababababababab

      Capabilities before login
        announced       TOP, UIDL, USER
        SASL            PLAIN NTLM
        LOGIN-DELAY     900 USER
        EXPIRE          60
        IMPLEMENTATION  Example 1.0
        login delay     900 seconds between two logins; this user may have another
                        value
        messages        may be deleted by the server after 60 days (EXPIRE 60)

      Mechanisms
        PLAIN        chosen
        USER         in reserve
        NTLM         not used: popkeep does not have it
      "
    `)
  })

  it('before anything is known', () => {
    expect(text(nothing)).toMatchInlineSnapshot(`
      "Server
        host         pop.example.com, port 995
        protection   TLS from the first octet
      "
    `)
  })

  it('behind a proxy, in clear text, of a provider', () => {
    const at: Account = { ...account, tls: 'none', port: 110 }
    const provider = { name: 'Example', hint: 'Example wants an app password' } as const
    const report: ServerReport = {
      ...server,
      peer: { address: '127.0.0.1', port: 1080, proxied: true, tls: undefined },
      capabilities: listed('STLS', 'EXPIRE 0'),
      mechanisms: [],
    }
    const all = { ...provider, domains: [], server: undefined, otherHosts: [], exchangers: [] }
    expect(
      serverText(at, { ...all, user: 'address', login: 'password', oauth: undefined }, report, NOW),
    ).toMatchInlineSnapshot(`
      "Server
        host         pop.example.com, port 110
        address      known to the proxy only, which is 127.0.0.1, port 1080
        protection   none: clear text, as asked for
        provider     Example
        hint         Example wants an app password
        greeting     "+OK ready <1.2@pop.example.com>"

      Capabilities before login
        announced    STLS
        EXPIRE       0
        messages     may be deleted by the server once they are retrieved (EXPIRE 0)
        note         the server offers STLS: --tls stls protects the password

      Mechanisms
        (none)       no way to log in that both sides have
      "
    `)
  })

  it.each<[string, NetworkError, Account, RegExp]>([
    [
      'an expired one',
      problem('the certificate expired on 2026-11-01', 'CERT_HAS_EXPIRED'),
      account,
      /no: the certificate expired on 2026-11-01\n.*Check the clock.*has to renew it/s,
    ],
    [
      'one of another host',
      problem('the certificate is for a, not for b', 'ERR_TLS_CERT_ALTNAME_INVALID'),
      account,
      /Use the name that the certificate is for/,
    ],
    [
      'one that nobody signed',
      problem('the certificate is self-signed: nobody vouches for it'),
      account,
      /--tls-ca/,
    ],
  ])('%s is shown, with advice before the pin', (_title, fault, at, advice) => {
    const shown = text(untrusted(fault), at)
    expect(shown).toMatch(advice)
    expect(shown.replace(/\s+/g, ' ')).toContain('Only if the owner tells you the pin below')
    expect(shown).toContain(`  pin          ${own.pin}\n`)
  })

  it('offers no new pin where the key is not the pinned one', () => {
    const pinned: Account = { ...account, pin: 'ef'.repeat(32) }
    const shown = text(untrusted(problem("the server's key is not the pinned one")), pinned)
    expect(shown).not.toContain('--tls-pin')
    expect(shown.replace(/\s+/g, ' ')).toContain('Do not take the new pin from here.')
  })

  it('counts the days of a certificate', () => {
    const expired = { ...own, validTo: '2026-11-20T12:00:00Z' }
    const early = { ...own, validFrom: '2026-11-24T00:00:00Z' }
    const fault = problem('x')
    expect(text(untrusted(fault, expired))).toContain('expired 3 days ago')
    expect(text(untrusted(fault, early))).toContain('not yet')
  })

  it.each<[CapabilityAnswer, string]>([
    [{ answer: 'refused' }, 'announced    CAPA is refused'],
    [{ answer: 'closed' }, 'unknown: the server ends the session at CAPA'],
    [listed(), 'announced    nothing'],
    [listed('EXPIRE NEVER'), 'are never deleted by the server'],
    [listed('EXPIRE 0'), 'may be deleted by the server once they are retrieved'],
  ])('%j', (capabilities, words) => {
    expect(text({ ...server, capabilities })).toContain(words)
  })
})

describe('what a probe shows of a maildrop', () => {
  it('where all works', () => {
    expect(maildropText(server, maildrop)).toMatchInlineSnapshot(`
      "
      Login
        result       accepted, by PLAIN

      Capabilities that differ    before login               after login
        USER                      announced                  -
        SASL                      PLAIN NTLM                 -
        LOGIN-DELAY               900 USER                   300
        IMPLEMENTATION            Example 1.0                -
        PIPELINING                -                          announced

      Maildrop
        by STAT      1,204 messages, 45,123,456 octets (45.1 MB)
        by LIST      1,204 messages, 45,123,000 octets (45.1 MB)
        smallest     812 octets
        largest      3,400,000 octets (3.4 MB)
        note         STAT and LIST differ in size

      In fact
        UIDL         works: 1,200 distinct unique-ids, on 1,203 messages: some are not
                     unique, 1 message without
        TOP          works: the header section of one message came, 700 octets of 812
                     (not announced)
        PIPELINING   works: three commands in one write were answered in order
      "
    `)
  })

  it('where the login is refused', () => {
    const reply = { line: '-ERR [AUTH] no', text: '[AUTH] no', responseCode: 'AUTH' } as const
    const failure = new LoginError('LOGIN_REFUSED', { reply, mechanism: 'PLAIN' })
    expect(maildropText(server, { failure })).toMatchInlineSnapshot(`
      "
      Login
        result       refused, by PLAIN
        server said  "-ERR [AUTH] no"
      "
    `)
  })

  it('where little works', () => {
    expect(
      maildropText(server, {
        mechanism: 'USER',
        capabilities: { answer: 'refused' },
        drop: { messages: 2, octets: undefined },
        sizes: { messages: 1, octets: 0, smallest: undefined, largest: undefined, unsized: 1 },
        uidl: {
          ...{ isAnnounced: true, result: 'refused', words: '-ERR no' },
          ...{ messages: 0, distinct: 0, missing: 1 },
        },
        top: { isAnnounced: true, result: 'not tried', words: 'there is no message' },
        pipelining: { isAnnounced: true, result: 'broken', words: 'the replies are out of step' },
        failure: new CommandError('LIST', '-ERR', undefined),
      }),
    ).toMatchInlineSnapshot(`
      "
      Login
        result       accepted, by USER

      Capabilities after login
        announced    CAPA is refused

      Maildrop
        by STAT      2 messages, size unknown
        by LIST      1 message, 0 octets
        unsized      1 message
        note         STAT and LIST differ in the number of messages

      In fact
        UIDL         refused, though announced: "-ERR no"
        TOP          announced; not tried: there is no message
        PIPELINING   announced, but broken: the replies are out of step. sync then
                     sends one command at a time
      "
    `)
  })
})

describe('whatever the server says', () => {
  const hostile: ServerReport = {
    ...server,
    greeting: `+OK ${HOSTILE}`,
    peer: { ...peer, tls: { ...tls, chain: [{ ...own, subject: HOSTILE, names: [HOSTILE] }] } },
    capabilities: listed(HOSTILE, `SASL ${HOSTILE}`, `IMPLEMENTATION ${HOSTILE}`),
    mechanisms: [{ name: HOSTILE, isOffered: true, place: undefined, reason: 'unknown' }],
  }
  const visit: MaildropReport = {
    ...maildrop,
    capabilities: listed(`${HOSTILE} x`),
    uidl: { ...maildrop.uidl, isAnnounced: true, result: 'refused', words: HOSTILE } as never,
  }

  it('no control of a terminal comes through, and nothing is wider than 80 columns', () => {
    const shown = text(hostile) + maildropText(hostile, visit)
    expect(shown).not.toMatch(/[^\P{C}\n]/u)
    expect(shown).toContain('\\x1b]0;owned\\x07\\u202egnp.exe\\x0d\\x0aSTAT')
    for (const line of text(server).split('\n')) expect(textWidth(line)).toBeLessThan(80)
    const findings: Findings = { account, provider: undefined, server: hostile, maildrop: visit }
    const json = probeJson(findings, undefined)
    expect(json).not.toMatch(/[^\P{C}\n]/u)
    expect(JSON.parse(json)).toMatchObject({ greeting: `+OK ${HOSTILE}` })
  })
})

describe('probe --json', () => {
  it('has a key for everything, null where it is not known', () => {
    const findings: Findings = { account, provider: undefined }
    const failure = new NetworkError('NET_REFUSED', 'the connection was refused')
    expect(JSON.parse(probeJson(findings, failure))).toMatchSnapshot()
  })

  it('says by one word what was not tried', () => {
    const pipelining = { isAnnounced: false, result: 'not tried' } as const
    const findings: Findings = {
      account,
      provider: undefined,
      server,
      maildrop: { ...maildrop, pipelining },
    }
    expect(JSON.parse(probeJson(findings, undefined)).pipelining.result).toBe('notTried')
  })

  it('has what was learned', () => {
    const findings: Findings = { account, provider: undefined, server, maildrop }
    expect(JSON.parse(probeJson(findings, undefined))).toMatchSnapshot()
  })
})
