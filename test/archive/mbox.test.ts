import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromLine, MboxEncoder, senderOf } from '../../src/archive/mbox.ts'
import { readMbox } from './mbox-reader.ts'

const octets = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))
const text = (of: Uint8Array) => Buffer.from(of).toString('latin1')
const epoch = new Date(0)

function encode(chunks: readonly Uint8Array[]): Uint8Array {
  const encoder = new MboxEncoder()
  return Buffer.concat([...chunks.map((chunk) => encoder.write(chunk)), encoder.end()])
}

describe('a message in an mbox', () => {
  it.each([
    ['Subject: x\r\n\r\nFrom here\r\n', 'Subject: x\n\n>From here\n\n'],
    ['>From here\r\n>>From \r\n> From \r\n', '>>From here\n>>>From \n> From \n\n'],
    ['From first line\r\n', '>From first line\n\n'],
    ['Fro', 'Fro\n\n'],
    ['From', 'From\n\n'],
    ['From ', '>From \n\n'],
    ['Fro\r\nFromage\r\n>F>From \r\n', 'Fro\nFromage\n>F>From \n\n'],
    ['F\rFrom \r\r\n', 'F\rFrom \r\n\n'],
    ['a\nFrom b', 'a\n>From b\n\n'],
    ['\r\nFrom \r\n', '\n>From \n\n'],
    ['a\r', 'a\r\n\n'],
    ['', '\n'],
  ])('%j is %j, at each split', (wire, mbox) => {
    for (let at = 0; at <= wire.length; at += 1) {
      expect(text(encode([octets(wire.slice(0, at)), octets(wire.slice(at))]))).toBe(mbox)
    }
    expect(text(encode(Array.from(wire, octets)))).toBe(mbox)
  })
})

const bodies = fc
  .array(fc.constantFrom('>', '>>', 'From ', 'From', 'F', ' ', '\r\n', '\r\n\r\n', '\r', 'x'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''))

it('all messages come back from an mbox, but for a missing last line end', () => {
  fc.assert(
    fc.property(fc.array(bodies, { maxLength: 5 }), fc.nat(20), (messages, cut) => {
      const file = messages.map((wire) =>
        Buffer.concat([
          fromLine('a@example.org', epoch),
          encode([octets(wire.slice(0, cut)), octets(wire.slice(cut))]),
        ]),
      )
      const back = readMbox(Buffer.concat(file)).map((message) => text(message.octets))
      const expected = messages.map((wire) => {
        const lf = wire.replaceAll('\r\n', '\n')
        return lf === '' || lf.endsWith('\n') ? lf : `${lf}\n`
      })
      expect(back).toEqual(expected)
    }),
  )
})

describe('the From_ line', () => {
  it.each([
    ['a@example.org', 'a@example.org'],
    ['', 'MAILER-DAEMON'],
    [undefined, 'MAILER-DAEMON'],
    ['a b\tc', 'a-b-c'],
    ['a\nFrom b', 'a-From-b'],
    ['a\r\u2028\u202e\x1b[0mb', 'a---' + '-[0mb'],
  ])('has the sender %j as %j', (sender, word) => {
    expect(text(fromLine(sender, epoch))).toBe(`From ${word} Thu Jan  1 00:00:00 1970\n`)
  })

  it('has the date as asctime writes it, in UTC', () => {
    const line = fromLine('a', new Date('2003-11-24T09:08:07Z'))
    expect(text(line)).toBe('From a Mon Nov 24 09:08:07 2003\n')
  })

  it.each([
    ['Return-Path: <a@example.org>\r\nFrom: b@example.org\r\n\r\n', 'a@example.org'],
    ['Return-Path: <>\r\nFrom: b@example.org\r\n\r\n', ''],
    ['Sender: c@example.org\r\nFrom: b@example.org\r\n\r\n', 'c@example.org'],
    ['From: "B" <b@example.org>, c@example.org\r\n\r\n', 'b@example.org'],
    ['Subject: x\r\n\r\nFrom: b@example.org\r\n', undefined],
  ])('takes its sender from %j: %j', (header, sender) => {
    expect(senderOf(octets(header))).toBe(sender)
  })
})
