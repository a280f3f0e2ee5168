import { describe, expect, it } from 'vitest'

import { readableText } from '../../src/message/body-text.ts'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

function* chunks(message: string, octets = 7) {
  const chunk = Buffer.alloc(octets)
  for (let at = 0; at < message.length; at += octets) {
    const piece = latin1(message.slice(at, at + octets))
    // One buffer for all: a view is valid only until the next one.
    chunk.set(piece)
    yield chunk.subarray(0, piece.length)
  }
}

const read = (lines: readonly string[]) => readableText(chunks(lines.join('\r\n')))

describe('the text of a message', () => {
  it('is decoded, with its attachments beside it', async () => {
    const message = await read([
      'Date: nonsense',
      'Subject: =?utf-8?Q?caf=C3=A9?=',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain; charset=koi8-r',
      'Content-Transfer-Encoding: 8bit',
      '',
      '\xf0\xd2\xc9\xd7\xc5\xd4',
      'line 2',
      '--b',
      'Content-Type: application/pdf; name="a b.pdf"',
      'Content-Disposition: attachment; filename="a b.pdf"',
      'Content-Transfer-Encoding: base64',
      '',
      'JVBERi0=',
      '--b',
      'Content-Type: application/octet-stream',
      'Content-Disposition: attachment',
      '',
      'xyz',
      '--b--',
    ])
    expect(message.text.trimEnd()).toBe('Привет\nline 2')
    expect(message.attachments).toEqual([
      { name: 'a b.pdf', type: 'application/pdf', octets: 5 },
      { name: null, type: 'application/octet-stream', octets: 3 },
    ])
    expect(message.facts).toMatchObject({ subject: 'café', date: null })
    expect([message.isRaw, message.isCut]).toEqual([false, false])
  })

  it('is made from HTML where there is no other', async () => {
    const { text } = await read([
      'Content-Type: text/html',
      '',
      '<p>one<br>two &amp; <b>three</b></p>',
    ])
    expect(text.trim()).toBe('one\ntwo & three')
  })

  it.each([
    ['', ''],
    ['\r\nbody\r\n', 'body'],
    ['Subject: x\r\n\r\n', ''],
    ['Subject: x', ''],
  ])('of %j is %j', async (message, text) => {
    expect((await readableText(chunks(message))).text.trimEnd()).toBe(text)
  })

  it('is the body as it stands where the parser gives up', async () => {
    const part = ['--b', 'Content-Type: text/plain', '', 'x']
    const parts = Array.from({ length: 1200 }, () => part).flat()
    const message = await read([
      'Subject: s',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      ...parts,
      '--b--',
      '',
    ])
    expect(message.isRaw).toBe(true)
    expect(message.text.startsWith('--b\nContent-Type: text/plain\n\nx\n--b\n')).toBe(true)
    expect(message.facts.subject).toBe('s')
  })

  it('is read from the first 64 MiB only', async () => {
    const mebibyte = Buffer.alloc(1024 * 1024, 'x'.repeat(127).concat('\n'))
    let given = 0
    function* long() {
      yield latin1('Content-Type: application/zip\r\nContent-Disposition: attachment\r\n\r\n')
      for (; given < 100; given++) yield mebibyte
    }
    const message = await readableText(long())
    expect(message.isCut).toBe(true)
    expect(message.attachments).toHaveLength(1)
    expect(given).toBeLessThan(70)
  })

  it('throws what reading the message throws', async () => {
    function* damaged() {
      yield latin1('Subject: x\r\n\r\nbody')
      throw new Error('gone')
    }
    await expect(readableText(damaged())).rejects.toThrow('gone')
  })
})
