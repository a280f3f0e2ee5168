import { describe, expect, it } from 'vitest'
import {
  bindingFlag,
  type Circumstances,
  chooseMechanisms,
  SUPPORTED_MECHANISMS,
  whyNone,
} from '../../src/client/mechanisms.ts'
import { NO_CAPABILITIES, parseCapabilities } from '../../src/pop3/capabilities.ts'

const EVERYTHING =
  'SASL CRAM-MD5 LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS XOAUTH2 OAUTHBEARER EXTERNAL'
const WITHOUT_PLUS = EVERYTHING.replaceAll(/ \S+-PLUS/g, '')

/** A password on TLS without channel binding, nothing forced; announced is what the row says. */
const usual: Circumstances = {
  credential: 'password',
  auth: undefined,
  announced: NO_CAPABILITIES,
  isEncrypted: true,
  canBind: false,
  isAscii: true,
  hasStamp: false,
}

type Row = readonly [
  title: string,
  announced: readonly string[],
  circumstances: Partial<Circumstances>,
  chosen: string,
]

describe('chooseMechanisms', () => {
  it.each<Row>([
    [
      'the best first',
      ['USER', EVERYTHING],
      {},
      'SCRAM-SHA-256 SCRAM-SHA-1 PLAIN USER LOGIN CRAM-MD5',
    ],
    [
      'CRAM-MD5 before PLAIN in clear text',
      ['USER', EVERYTHING],
      { isEncrypted: false },
      'SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN USER LOGIN',
    ],
    ['nothing behind -PLUS', ['USER', EVERYTHING], { canBind: true }, 'SCRAM-SHA-256-PLUS'],
    [
      'nothing behind a later -PLUS',
      ['SASL SCRAM-SHA-1-PLUS SCRAM-SHA-1 SCRAM-SHA-256 PLAIN'],
      { canBind: true },
      'SCRAM-SHA-256 SCRAM-SHA-1-PLUS',
    ],
    ['names in any case', ['sasl plain Login'], {}, 'PLAIN LOGIN'],
    ['USER where little is announced', [], {}, 'USER'],
    ['no USER where SASL is announced and it is not', ['SASL GSSAPI'], {}, ''],
    ['USER where it is announced', ['USER', 'SASL GSSAPI'], {}, 'USER'],
    ['no USER beyond ASCII', ['USER', 'UTF8'], { isAscii: false }, ''],
    ['USER beyond ASCII with UTF8 USER', ['USER', 'UTF8 user'], { isAscii: false }, 'USER'],
    ['PLAIN beyond ASCII', ['USER', 'SASL PLAIN'], { isAscii: false }, 'PLAIN'],
    ['never APOP by itself', ['SASL PLAIN'], { hasStamp: true }, 'PLAIN'],

    ['XOAUTH2 for a token', [EVERYTHING], { credential: 'token' }, 'XOAUTH2 OAUTHBEARER'],
    ['OAUTHBEARER alone', ['SASL PLAIN OAUTHBEARER'], { credential: 'token' }, 'OAUTHBEARER'],
    ['XOAUTH2 though hidden', ['SASL PLAIN'], { credential: 'token' }, 'XOAUTH2'],
    ['EXTERNAL for a certificate', [], { credential: 'certificate' }, 'EXTERNAL'],
    [
      'no EXTERNAL without TLS',
      [EVERYTHING],
      { credential: 'certificate', isEncrypted: false },
      '',
    ],

    ['the forced one alone', [EVERYTHING], { auth: 'LOGIN' }, 'LOGIN'],
    ['the forced one though hidden', [], { auth: 'SCRAM-SHA-256' }, 'SCRAM-SHA-256'],
    ['the forced one, not the bound', [EVERYTHING], { auth: 'PLAIN', canBind: true }, 'PLAIN'],
    ['USER forced beyond ASCII', [], { auth: 'USER', isAscii: false }, 'USER'],
    ['no -PLUS without binding', [EVERYTHING], { auth: 'SCRAM-SHA-1-PLUS' }, ''],
    ['-PLUS forced', [], { auth: 'SCRAM-SHA-1-PLUS', canBind: true }, 'SCRAM-SHA-1-PLUS'],
    ['APOP forced', [], { auth: 'APOP', hasStamp: true }, 'APOP'],
    ['no APOP without timestamp', [], { auth: 'APOP' }, ''],
    ['no APOP beyond ASCII', [], { auth: 'APOP', hasStamp: true, isAscii: false }, ''],
    [
      'APOP beyond ASCII with UTF8 USER',
      ['UTF8 USER'],
      { auth: 'APOP', hasStamp: true, isAscii: false },
      'APOP',
    ],
    ['no token by USER', ['USER'], { auth: 'USER', credential: 'token' }, ''],
    ['no token by PLAIN', [EVERYTHING], { auth: 'PLAIN', credential: 'token' }, ''],
    ['no password by XOAUTH2', [EVERYTHING], { auth: 'XOAUTH2' }, ''],
    ['no password by EXTERNAL', [EVERYTHING], { auth: 'EXTERNAL' }, ''],
    [
      'OAUTHBEARER forced',
      ['SASL XOAUTH2'],
      { auth: 'OAUTHBEARER', credential: 'token' },
      'OAUTHBEARER',
    ],
    ['nothing that nobody knows', [EVERYTHING], { auth: 'NTLM' }, ''],
  ])('%s', (_title, announced, circumstances, chosen) => {
    const given = { ...usual, ...circumstances, announced: parseCapabilities(announced) }
    expect(chooseMechanisms(given).join(' ')).toBe(chosen)
    if (chosen === '' && given.auth !== undefined) expect(whyNone(given)).toBeDefined()
  })

  it('has a way for each name that can be configured', () => {
    const credentials = ['password', 'token', 'certificate'] as const
    for (const auth of SUPPORTED_MECHANISMS) {
      const chosen = credentials.flatMap((credential) =>
        chooseMechanisms({ ...usual, credential, auth, canBind: true, hasStamp: true }),
      )
      expect(chosen).toEqual([auth])
    }
  })
})

describe('the binding flag of SCRAM', () => {
  it.each([
    ['SCRAM-SHA-256-PLUS', EVERYTHING, true, 'p'],
    ['SCRAM-SHA-256', WITHOUT_PLUS, true, 'y'],
    ['SCRAM-SHA-256', WITHOUT_PLUS, false, 'n'],
    // The owner forced the weaker form: `y` would be taken for a downgrade.
    ['SCRAM-SHA-256', EVERYTHING, true, 'n'],
    // Put there by somebody between, so that we do not ask for what he took away.
    ['SCRAM-SHA-256', `${WITHOUT_PLUS} X-PLUS`, true, 'y'],
    ['SCRAM-SHA-256', `${WITHOUT_PLUS} SCRAM-SHA-1-PLUS`, true, 'y'],
    // Nothing is known of what the server can.
    ['SCRAM-SHA-256', 'USER', true, 'n'],
  ])('of %s where %s is announced, data %s, is %s', (mechanism, line, canBind, flag) => {
    expect(bindingFlag(mechanism, { announced: parseCapabilities([line]), canBind })).toBe(flag)
  })
})
