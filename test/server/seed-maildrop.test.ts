import { describe, expect, it } from 'vitest'
import { demoMail } from '../../src/cli/demo-mail.ts'
import { SEED_MAIL } from '../../src/server/seed-mail.ts'
import { seedMaildrop } from '../../src/server/seed-maildrop.ts'

const octetsOf = (message: { read(): unknown }): Buffer =>
  Buffer.concat([...(message.read() as Iterable<Uint8Array>)])

describe('the maildrop of 1997', () => {
  const messages = seedMaildrop().messages

  it('has the six sizes of the listing', () => {
    expect(messages.map(({ octets }) => octets)).toEqual([1447, 2640, 2296, 1100, 3025, 2068])
    expect(messages.map((message) => octetsOf(message).length)).toEqual(
      messages.map(({ octets }) => octets),
    )
  })

  it('holds mail that a person wrote: header fields, and no line said twice', () => {
    for (const { text } of SEED_MAIL) {
      const [header = '', ...body] = text.split('\n\n')
      for (const field of ['Received', 'Date', 'From', 'To', 'Subject', 'Message-Id', 'X-UIDL']) {
        expect(header).toMatch(new RegExp(`^${field}: `, 'm'))
      }
      const lines = body
        .join('\n')
        .split('\n')
        .filter((line) => line.trim() !== '')
      expect(new Set(lines).size).toBe(lines.length)
      expect(text).not.toMatch(/([^\s0-9])\1{3}|lorem ipsum/i)
      expect(text.endsWith('\n')).toBe(true)
    }
  })

  it('ends its lines in CRLF and keeps them below 80 columns but for one Received field', () => {
    for (const message of messages) {
      const text = octetsOf(message).toString('latin1')
      expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
      const long = text.split('\r\n').filter((line) => line.length > 80)
      expect(long.every((line) => line.startsWith('Received: '))).toBe(true)
    }
  })

  it('has the Russian letter in KOI8-R', () => {
    const [, , third] = messages
    const text = new TextDecoder('koi8-r').decode(third && octetsOf(third))
    expect(text).toContain('Здравствуйте, Павел!')
    expect(text.replaceAll('\r\n', '\n')).toBe(SEED_MAIL[2]?.text)
  })

  it('names each message by the unique-id in its X-UIDL field', () => {
    for (const { text, uniqueId } of SEED_MAIL) expect(text).toContain(`X-UIDL: ${uniqueId}\n`)
    expect(new Set(SEED_MAIL.map(({ uniqueId }) => uniqueId)).size).toBe(6)
  })
})

describe('the mail of today', () => {
  it('has what a careless archive breaks', () => {
    const texts = demoMail().map(({ octets }) => Buffer.from(octets).toString('utf8'))
    expect(texts).toHaveLength(5)
    expect(texts[0]).toContain('multipart/alternative')
    expect(texts[1]).toContain('\r\n\r\niVBORw0KGgo')
    expect(texts[2]).toContain('=?UTF-8?B?')
    expect(texts[3]).toContain('\r\n.\r\n..\r\n.hidden\r\n')
    expect(texts[4]).toMatch(/format=flowed.* \r\n/s)
    for (const text of texts) expect(text.replaceAll('\r\n', '')).not.toMatch(/[\r\n]/)
  })
})
