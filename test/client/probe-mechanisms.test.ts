import { describe, expect, it } from 'vitest'
import type { Circumstances } from '../../src/client/mechanisms.ts'
import { surveyMechanisms } from '../../src/client/probe-mechanisms.ts'
import { parseCapabilities } from '../../src/pop3/capabilities.ts'

const usual = {
  credential: 'password',
  auth: undefined,
  isEncrypted: true,
  canBind: false,
  isAscii: true,
  hasStamp: false,
} as const satisfies Omit<Circumstances, 'announced'>

type Row = readonly [
  title: string,
  announced: readonly string[],
  circumstances: Partial<Circumstances>,
  found: readonly string[],
]

const rows: readonly Row[] = [
  ['a server that announces nothing', [], {}, ['1 USER']],
  ['SASL alone', ['SASL PLAIN'], {}, ['1 PLAIN']],
  ['both', ['USER', 'SASL login plain'], {}, ['1 PLAIN', '2 USER', '3 LOGIN']],
  [
    'what popkeep does not have',
    ['SASL NTLM PLAIN GSSAPI'],
    {},
    ['1 PLAIN', 'NTLM: popkeep does not have it', 'GSSAPI: popkeep does not have it'],
  ],
  [
    'a timestamp for APOP',
    ['SASL PLAIN'],
    { hasStamp: true },
    ['1 PLAIN', 'APOP: used only where it is asked for'],
  ],
  [
    'tokens, for a password',
    ['SASL XOAUTH2 PLAIN EXTERNAL'],
    {},
    [
      '1 PLAIN',
      'XOAUTH2: needs a token, and the account has a password',
      'EXTERNAL: needs a certificate, and the account has a password',
    ],
  ],
  [
    'passwords, for a token',
    ['SASL PLAIN'],
    { credential: 'token' },
    ['1 XOAUTH2 (hidden)', 'PLAIN: needs a password, and the account has a token'],
  ],
  [
    'one that is asked for',
    ['SASL PLAIN LOGIN'],
    { auth: 'LOGIN' },
    ['1 LOGIN', 'PLAIN: only LOGIN is asked for'],
  ],
  [
    '-PLUS without channel binding',
    ['SASL SCRAM-SHA-1-PLUS SCRAM-SHA-1'],
    {},
    ['1 SCRAM-SHA-1', 'SCRAM-SHA-1-PLUS: needs channel binding, which is not there'],
  ],
  [
    'what stands behind -PLUS',
    ['SASL SCRAM-SHA-1-PLUS PLAIN'],
    { canBind: true },
    [
      '1 SCRAM-SHA-1-PLUS',
      'PLAIN: not behind SCRAM-SHA-1-PLUS: who refuses that may stand in between',
    ],
  ],
  [
    'a user name beyond ASCII',
    ['USER', 'SASL PLAIN'],
    { isAscii: false },
    ['1 PLAIN', 'USER: the user name goes beyond ASCII'],
  ],
  [
    'a certificate without TLS',
    ['SASL EXTERNAL'],
    { credential: 'certificate', isEncrypted: false },
    ['EXTERNAL: needs TLS'],
  ],
]

describe('surveyMechanisms', () => {
  it.each(rows)('%s', (_title, announced, circumstances, found) => {
    const survey = surveyMechanisms({
      ...usual,
      ...circumstances,
      announced: parseCapabilities(announced),
    })
    const told = survey.map(({ name, isOffered, place, reason }) =>
      place === undefined
        ? `${name}: ${reason}`
        : `${place} ${name}${isOffered ? '' : ' (hidden)'}`,
    )
    expect(told).toEqual(found)
  })
})
