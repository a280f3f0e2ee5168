import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Display, octetDisplay, terminalDisplay } from '../../src/cli/console-display.ts'
import type { Heard } from '../../src/client/by-hand.ts'
import type { Command } from '../../src/pop3/command.ts'
import { Protocol } from '../../src/pop3/protocol.ts'
import { chunkings, latin1 } from '../support/chunkings.ts'

const typed = (line: string): Command => ({ keyword: 'TYPED', line })

/** What a display shows of replies that come in these chunks. */
function shown(display: Display, lines: readonly string[], chunks: readonly Uint8Array[]): Buffer {
  const protocol = new Protocol()
  for (const line of lines) protocol.send(typed(line))
  const pieces: Buffer[] = []
  for (const chunk of chunks) {
    protocol.receive(chunk)
    for (let event = protocol.next(); event; event = protocol.next()) {
      pieces.push(Buffer.from(display(event as Heard) as string))
    }
  }
  return Buffer.concat(pieces)
}

const LINES = ['list', 'retr 1', 'top 1 0', 'retr 2', 'retr 3', 'capa', 'auth plain', 'noop']
const REPLIES = [
  '+OK ready\r\n',
  '+OK\r\n1 20\r\n2 3\r\n.\r\n',
  '+OK\r\nSubject: \xc3\xa4\r\n\r\n..dot\r\n\tTab \xe2\x82\xac\xff\r\n..\r\n.\r\n',
  '-ERR no TOP\r\n',
  '+OK\r\n.\r\n',
  '+OK\r\nbare\nCR\rCR\r\r\nend\r\n.\r\n',
  '+OK\r\nTOP\r\n..X\r\n.\r\n',
  '+ \r\n',
].join('')

describe('the session as a person sees it', () => {
  const text = [
    '+OK ready\n',
    '+OK\n1 20\n2 3\n.\n',
    '+OK\nSubject: \u00e4\n\n.dot\n\tTab \u20ac\ufffd\n.\n.\n',
    '-ERR no TOP\n',
    '+OK\n.\n',
    '+OK\nbare\nCR\\x0dCR\\x0d\nend\n.\n',
    '+OK\nTOP\n.X\n.\n',
    '+ \n',
  ].join('')

  it('has whole lines of text however they were cut', () => {
    for (const { name, chunks } of chunkings(latin1(REPLIES))) {
      expect(shown(terminalDisplay(), LINES, chunks).toString(), name).toBe(text)
    }
  })

  it('ends in a line of its own behind a message that does not', () => {
    const display = terminalDisplay()
    const command = typed('retr 1')
    const say = (heard: Heard) => display(heard)
    expect(say({ type: 'body', command, octets: latin1('no line end\r') })).toBe('no line end')
    expect(say({ type: 'end', command, octets: 12 })).toBe('\\x0d\n.\n')
  })

  it('lets no server move the cursor, retitle the window or turn text around', () => {
    const hostile = '\x1b]0;title\x07\x1b[2J\x08\x9b1m\u202e\u2066\x7f'
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.constantFrom(...hostile), fc.string())),
        fc.constantFrom<'unasked' | 'line' | 'body'>('unasked', 'line', 'body'),
        (pieces, type) => {
          const octets = new TextEncoder().encode(pieces.join(''))
          const command = typed('capa')
          const display = terminalDisplay()
          const heard: Heard =
            type === 'unasked'
              ? { type, line: pieces.join('') }
              : type === 'line'
                ? { type, command, line: octets }
                : { type, command, octets }
          const all = [display(heard), display({ type: 'end', command, octets: 1 })].join('')
          expect(all).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/)
        },
      ),
    )
  })
})

describe('the session as a program reads it', () => {
  it('has the octets that were sent however they were cut', () => {
    for (const { name, chunks } of chunkings(latin1(REPLIES))) {
      expect(shown(octetDisplay(), LINES, chunks).toString('latin1'), name).toBe(REPLIES)
    }
  })
})
