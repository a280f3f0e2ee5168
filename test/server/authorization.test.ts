import { describe, expect, it } from 'vitest'
import { apopDigest, parsePlain } from '../../src/server/authentication.ts'
import { beforeLogin, converse, TIMESTAMP } from './converse.ts'

const IN = '+OK mrose has 3 messages (103 octets).'
const REFUSED = '-ERR [AUTH] Password supplied for "mrose" is incorrect.'
const plain = (text: string): string => Buffer.from(text, 'latin1').toString('base64')

describe('USER and PASS', () => {
  it('open the maildrop in any letter case', async () => {
    expect(await beforeLogin(['uSeR mrose', 'PaSs tanstaaf'])).toEqual([
      '+OK Password required for mrose.',
      IN,
    ])
  })

  it('say of an unknown user what they say of a wrong password', async () => {
    expect(await beforeLogin(['USER nobody', 'PASS tanstaaf'])).toEqual([
      '+OK Password required for nobody.',
      '-ERR [AUTH] Password supplied for "nobody" is incorrect.',
    ])
    expect((await beforeLogin(['USER mrose', 'PASS wrong']))[1]).toBe(REFUSED)
  })

  it('take blanks and octets above 0x7F as part of the password', async () => {
    const account = {
      user: 'mrose',
      secret: ' two  blanks\u00e9 ',
      source: { open: () => Promise.resolve({ messages: [], commit: never, release: () => {} }) },
    }
    const { replies } = await converse(
      ['USER mrose\r\nPASS ', Buffer.from(' two  blanks\u00e9 ', 'utf8'), '\r\n'],
      account,
    )
    expect(replies).toContain('+OK mrose has 0 messages (0 octets).')
  })

  it('need USER before each PASS', async () => {
    expect(await beforeLogin(['PASS tanstaaf', 'USER mrose', 'PASS x', 'PASS tanstaaf'])).toEqual([
      '-ERR Unknown command: "pass".',
      '+OK Password required for mrose.',
      REFUSED,
      '-ERR Unknown command: "pass".',
    ])
  })

  it('close after three wrong passwords', async () => {
    const attempt = 'USER mrose\r\nPASS wrong\r\n'
    const { replies, closed } = await converse([attempt.repeat(5)])
    expect(replies.split(REFUSED)).toHaveLength(4)
    expect(closed).toBe(true)
  })
})

describe('APOP', () => {
  it('accepts the example of RFC 1939', async () => {
    expect(apopDigest(TIMESTAMP, 'tanstaaf')).toBe('c4c9334bac560ecc979e58001b3e22fb')
    expect(await beforeLogin(['APOP mrose c4c9334bac560ecc979e58001b3e22fb'])).toEqual([IN])
  })

  it('refuses another digest', async () => {
    expect(
      await beforeLogin([
        'APOP mrose c4c9334bac560ecc979e58001b3e22fc',
        'APOP mrose tanstaaf',
        'APOP mrose',
      ]),
    ).toEqual([REFUSED, REFUSED, '-ERR Too few arguments for the apop command.'])
  })
})

describe('AUTH PLAIN', () => {
  const token = plain('\0mrose\0tanstaaf')

  it('takes an initial response, or one after the challenge', async () => {
    expect(await beforeLogin([`AUTH PLAIN ${token}`])).toEqual([IN])
    expect(await beforeLogin(['auth plain', token])).toEqual(['+ ', IN])
  })

  it('can be cancelled, and tried again', async () => {
    expect(await beforeLogin(['AUTH PLAIN', '*', 'AUTH PLAIN', token])).toEqual([
      '+ ',
      '-ERR Authentication exchange was cancelled.',
      '+ ',
      IN,
    ])
  })

  it.each([
    ['no base64', '!!!!'],
    ['the empty response', '='],
    ['base64 without its end', 'AG1yb3Nl='],
    ['two fields', plain('mrose\0tanstaaf')],
    ['another authorization identity', plain('root\0mrose\0tanstaaf')],
    ['no password', plain('\0mrose\0')],
  ])('refuses %s', async (_name, response) => {
    expect(parsePlain(response)).toBeUndefined()
    expect(await beforeLogin([`AUTH PLAIN ${response}`])).toEqual([
      '-ERR Authentication response is not understood.',
    ])
  })

  it('refuses other mechanisms and the bare command', async () => {
    expect(await beforeLogin(['AUTH CRAM-MD5', 'AUTH'])).toEqual([
      '-ERR Authentication mechanism is not supported.',
      '-ERR Too few arguments for the auth command.',
    ])
  })
})

function never(): Promise<void> {
  throw new Error('nothing was to be committed')
}
