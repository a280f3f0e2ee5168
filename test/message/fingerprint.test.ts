import { describe, expect, it } from 'vitest'

import { createMessageDigester } from '../../src/message/digest.ts'
import { fingerprintOf, NO_FINGERPRINT } from '../../src/message/fingerprint.ts'

const fingerprint = (text: string) =>
  Buffer.from(fingerprintOf(Buffer.from(text, 'latin1'))).toString('hex')
const nothing = Buffer.from(NO_FINGERPRINT).toString('hex')

const header = 'Received: by x;\r\n\tMon\r\nFrom: a@b\r\nSubject: s\r\n'

describe('the fingerprint', () => {
  it.each([
    ['a blank line', `${header}\r\n`],
    ['two blank lines', `${header}\r\n\r\n`],
    ['a body', `${header}\r\nbody\r\nX: y\r\n`],
    ['CR CR LF as the blank line', `${header}\r\r\nX: y\r\n`],
    ['LF line ends', header.replaceAll('\r\n', '\n')],
    ['CR CR LF line ends', header.replaceAll('\r\n', '\r\r\n')],
    ['no last line end', header.slice(0, -2)],
    ['Status inserted', `${header}Status: RO\r\n folded\r\n\r\n`],
    ['a server field in another case', `RETURN-path: <a@b>\r\n${header}`],
    ['the Yahoo property', `X-Yahoo-Newman-Property: ymail-3\r\n${header}`],
    ['a second status line', `+OK 512 octets\r\n${header}`],
    ['a line that is no field, folded', `no field\r\n here: neither\r\n${header}`],
    ['an invalid name', `b\xe4d: x\r\n a b: y\r\n${header}`],
    ['a blank continuation', header.replace('Subject: s\r\n', 'Subject: s\r\n \t\r\n')],
  ])('is equal with %s', (_, text) => {
    expect(fingerprint(text)).toBe(fingerprint(header))
    expect(fingerprint(text)).not.toBe(nothing)
  })

  it.each([
    ['another body of a field', header.replace('Subject: s', 'Subject: S')],
    ['another folding', header.replace('\r\n\tMon', ' Mon')],
    ['one field more', `${header}X: y\r\n`],
    ['another order', 'From: a@b\r\nReceived: by x;\r\n\tMon\r\nSubject: s\r\n'],
  ])('differs with %s', (_, text) => {
    expect(fingerprint(text)).not.toBe(fingerprint(header))
  })

  it('is the same by TOP and by RETR', () => {
    const digester = createMessageDigester()
    digester.write(Buffer.from(`${header}Status: O\r\n\r\nbody\r\n`))
    expect(Buffer.from(digester.end().fingerprint).toString('hex')).toBe(
      fingerprint(`${header}\r\n`),
    )
  })

  it.each(['', '\r\n', 'no header\r\n', 'Status: RO\r\n\r\n'])('tells nothing of %j', (text) => {
    expect(fingerprint(text)).toBe(nothing)
  })
})
