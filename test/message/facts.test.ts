import { describe, expect, it } from 'vitest'

import { headerFacts } from '../../src/message/facts.ts'

const facts = (header: string) => headerFacts(Buffer.from(header, 'latin1'))
const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

describe('header facts', () => {
  it('reads an ordinary header section', () => {
    const header = [
      'Date: Thu, 1 Jan 1998 15:04:05 +0300 (MSK)',
      'From: Ann Author <ann@example.com>',
      'To: "Doe, John" <john@example.com>,',
      '\tteam: a@example.com, b@example.com;',
      'Cc: c@example.com (Cecil)',
      'Subject: a folded',
      ' subject',
      'Message-ID: <1@example.com>',
      '',
      'Subject: of the body',
    ].join('\r\n')
    expect(facts(header)).toEqual({
      date: '1998-01-01T12:04:05Z',
      sender: 'Ann Author <ann@example.com>',
      recipients:
        '"Doe, John" <john@example.com>, a@example.com, b@example.com, Cecil <c@example.com>',
      subject: 'a folded subject',
      messageId: '<1@example.com>',
    })
  })

  it.each(['', '\r\n', 'no header', 'From:\r\nTo: ,\r\nSubject:\r\nDate:\r\nMessage-ID:\r\n'])(
    'says nothing of %j',
    (header) => {
      expect(Object.values(facts(header))).toEqual([null, null, null, null, null])
    },
  )

  it.each([
    ['=?utf-8?Q?caf=C3=A9?= =?utf-8?b?w6k=?=', 'caféé'],
    // One character split over two words.
    ['=?utf-8?B?w?=\r\n =?utf-8?B?6k=?=', 'é'],
    ['=?utf-8?Q?=D0?= =?utf-8?Q?=9F?=', 'П'],
    ['=?koi8-r?B?8NLJ18XU?=', 'Привет'],
    ['Re: =?windows-1251?Q?=CF=F0=E8?= (x)', 'Re: При (x)'],
    ['=?utf-8?Q?a=0D=0AFrom:_b=00?=', 'a From: b\ufffd'],
    ['not =?encoded', 'not =?encoded'],
    ['=?no-such-charset?Q?abc?=', 'abc'],
    ['tab\tand \x1b[31m\x9b', 'tab and \x1b[31m›'],
    [utf8('grün €'), 'grün €'],
    ['gr\xfcn \x80', 'grün €'],
  ])('decodes the subject %j', (subject, decoded) => {
    expect(facts(`Subject: ${subject}\r\n`).subject).toBe(decoded)
  })

  it('reads raw octets in the charset that the body declares, unless they are UTF-8', () => {
    const type = 'Content-Type: text/plain; charset="KOI8-R"\r\n'
    expect(facts(`${type}Subject: \xf0\xd2\xc9\xd7\xc5\xd4\r\n`).subject).toBe('Привет')
    expect(facts(`${type}Subject: ${utf8('Привет')}\r\n`).subject).toBe('Привет')
    expect(facts(`Content-Type: x; charset=nonsense\r\nSubject: \xfc\r\n`).subject).toBe('ü')
  })

  it('decodes names after the list was taken apart', () => {
    const header =
      'From: =?utf-8?Q?Doe,_Zo=C3=AB_=3Cboss@example.com=3E?= <evil@example.net>\r\n' +
      'To: =?utf-8?B?w?= =?utf-8?B?6k=?= <e@example.com>\r\n'
    expect(facts(header)).toMatchObject({
      sender: '"Doe, Zoë <boss@example.com>" <evil@example.net>',
      recipients: 'é <e@example.com>',
    })
  })

  it('keeps fields with the names of object properties apart', () => {
    expect(facts('__proto__: x\r\nconstructor: y\r\nSubject: s\r\n').subject).toBe('s')
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })

  it('bounds long lists without cutting an address', () => {
    const many = Array.from({ length: 5000 }, (_, n) => `user${n}@example.com`).join(', ')
    const { recipients } = facts(`To: ${many}\r\nCc: ${many}\r\n`)
    expect(recipients?.split(', ')).toHaveLength(1000)
    expect(recipients?.endsWith('user999@example.com')).toBe(true)
    const wide = Array.from({ length: 900 }, (_, n) => `u${n}@${'x'.repeat(200)}`).join(', ')
    const text = facts(`To: ${wide}\r\nCc: ${wide}\r\n`).recipients ?? ''
    expect(text.length).toBeLessThanOrEqual(64 * 1024)
    expect(text.split(', ').every((address) => /^u\d+@x{200}$/.test(address))).toBe(true)
  })

  it('reads a subject cut at the bound, in the middle of a character', () => {
    const subject = `x${utf8('é').repeat(40_000)}`
    expect(facts(`Subject:${subject}\r\n`).subject).toMatch(/^xé{32767}$/)
  })
})
