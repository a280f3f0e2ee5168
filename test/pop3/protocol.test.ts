import { describe, expect, it } from 'vitest'
import type { Command } from '../../src/pop3/command.ts'
import { ProtocolError, SessionError } from '../../src/pop3/errors.ts'
import {
  CAPABILITY_LINE_OCTETS,
  CAPABILITY_LINES,
  LISTING_ROW_OCTETS,
  STATUS_LINE_OCTETS,
} from '../../src/pop3/limits.ts'
import { Protocol } from '../../src/pop3/protocol.ts'
import { chunkings, latin1 } from '../support/chunkings.ts'

const text = (octets: Uint8Array): string => Buffer.from(octets).toString('latin1')

/** Each as its own, without its end: cuts divide them. */
const rowsIn = (octets: Uint8Array): string[] =>
  text(octets)
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((row) => `row ${row}`)

/** Events as short strings; the octets of neighbouring body events are joined, since cuts divide them. */
function events(
  commands: readonly Command[],
  chunks: readonly Uint8Array[],
  { end = false } = {},
): string[] {
  const protocol = new Protocol()
  // Before the greeting: octets behind it would else be ones that no command asked for.
  for (const command of commands) protocol.send(command)
  const seen: string[] = []
  let body: string | undefined
  const pull = (): void => {
    for (let event = protocol.next(); event; event = protocol.next()) {
      if (event.type === 'body') {
        body = (body ?? '') + text(event.octets)
        continue
      }
      if (body !== undefined) seen.push(`body ${body}`)
      body = undefined
      if (event.type === 'greeting') {
        seen.push(`greeting ${event.text}`)
      } else if (event.type === 'line') seen.push(`line ${text(event.line)}`)
      else if (event.type === 'rows') seen.push(...rowsIn(event.octets))
      else if (event.type === 'end') seen.push(`end ${event.octets}`)
      else if (event.type === 'continuation') seen.push(`continuation ${event.text}`)
      else seen.push(`${event.command.keyword} ${event.ok} ${event.responseCode} ${event.text}`)
    }
  }
  for (const chunk of chunks) {
    protocol.receive(chunk)
    pull()
  }
  if (end) protocol.end()
  return seen
}

const retr = (messageNumber: number): Command => ({ keyword: 'RETR', messageNumber })

const conversation = [
  '+OK POP3 ready <1.2@example.com>\r\n',
  '+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n',
  '+OK 2 320\r\n',
  '+OK list follows\r\n1 120\r\n2 200\r\n.\r\n',
  '-ERR [sys/temp/disk] not now\r\n',
  '+OK 120 octets\r\nSubject: a\r\n\r\n..dot\r\n.\r\n',
  '-ERR no such message\r\n',
  '+OK\r\n.\r\n',
  '+ Z28=\r\n',
  '+OK\tdone\r\n',
].join('')

const commands: readonly Command[] = [
  { keyword: 'CAPA' },
  { keyword: 'STAT' },
  { keyword: 'LIST' },
  { keyword: 'UIDL' },
  retr(1),
  retr(9),
  { keyword: 'TOP', messageNumber: 2, lines: 0 },
  { keyword: 'AUTH', mechanism: 'PLAIN' },
]

const expected = [
  'greeting POP3 ready <1.2@example.com>',
  'CAPA true undefined ',
  'line TOP',
  'line SASL PLAIN',
  'end 0',
  'STAT true undefined 2 320',
  'LIST true undefined list follows',
  'row 1 120',
  'row 2 200',
  'end 0',
  'UIDL false SYS/TEMP [sys/temp/disk] not now',
  'RETR true undefined 120 octets',
  'body Subject: a\r\n\r\n.dot\r\n',
  'end 20',
  'RETR false undefined no such message',
  'TOP true undefined ',
  'end 0',
  'continuation Z28=',
  'AUTH true undefined done',
]

describe('Protocol', () => {
  it('pairs replies with commands in every chunking', () => {
    for (const { name, chunks } of chunkings(latin1(conversation))) {
      expect(events(commands, chunks), name).toEqual(expected)
    }
  })

  it('takes a server of bare line ends in every chunking', () => {
    const bare = conversation.replaceAll('\r\n', '\n')
    const bareExpected = expected.map((event) =>
      event.replaceAll('\r\n', '\n').replace('end 20', 'end 17'),
    )
    for (const { name, chunks } of chunkings(latin1(bare))) {
      expect(events(commands, chunks), name).toEqual(bareExpected)
    }
  })

  it.each([
    ['HTTP', 'HTTP/1.1 400 Bad Request\r\n', 'POP3_NOT_POP3'],
    ['SMTP', '220 mail ESMTP\r\n', 'POP3_NOT_POP3'],
    ['an empty line', '\r\n', 'POP3_NOT_POP3'],
    ['a longer word', '+OKAY\r\n', 'POP3_NOT_POP3'],
    ['a refusal', '-ERR [SYS/TEMP] busy\r\n', 'POP3_GREETING_REFUSED'],
  ])('refuses a greeting that is %s', (_title, wire, code) => {
    for (const { chunks } of chunkings(latin1(wire))) {
      expect(() => events([], chunks)).toThrow(expect.objectContaining({ code }))
    }
  })

  it('keeps the words of a refused greeting', () => {
    expect(() => events([], [latin1('-ERR [SYS/TEMP] busy\r\n')])).toThrow(
      expect.objectContaining({ serverText: '-ERR [SYS/TEMP] busy', responseCode: 'SYS/TEMP' }),
    )
  })

  it('reports a greeting without line end when the server closes', () => {
    expect(() => events([], [latin1('\x15\x03\x01')], { end: true })).toThrow(
      expect.objectContaining({ code: 'POP3_NOT_POP3' }),
    )
  })

  it.each(['+', '+OK', '+OK rea', '-', '-ER'])(
    'takes %j for a greeting that was cut off when the server closes',
    (octets) => {
      expect(events([], [latin1(octets)], { end: true })).toEqual([])
    },
  )

  it('understands a refused greeting without line end when the server closes', () => {
    expect(() => events([], [latin1('-ERR [SYS/TEMP] busy')], { end: true })).toThrow(
      expect.objectContaining({ code: 'POP3_GREETING_REFUSED', responseCode: 'SYS/TEMP' }),
    )
  })

  it('ends the session at octets that no command asked for', () => {
    const extra = '+OK\r\n+OK twice\r\n'
    expect(() => events([], [latin1(extra)])).toThrow(ProtocolError)
    expect(() => events([], [latin1(extra)])).toThrow(
      expect.objectContaining({ code: 'POP3_OUT_OF_STEP', serverText: '+OK twice' }),
    )
  })

  it('reports an unsolicited -ERR as the end that the server chose', () => {
    const wire = '+OK\r\n-ERR Disconnected for inactivity.'
    for (const [octets, end] of [
      [`${wire}\r\n`, false],
      [wire, true],
    ] as const) {
      expect(() => events([], [latin1(octets)], { end })).toThrow(SessionError)
      expect(() => events([], [latin1(octets)], { end })).toThrow(
        expect.objectContaining({
          code: 'POP3_TEMPORARY',
          serverText: '-ERR Disconnected for inactivity.',
        }),
      )
    }
  })

  it('sends nothing while part of an unsolicited line waits', () => {
    const protocol = new Protocol()
    protocol.receive(latin1('+OK\r\n+O'))
    protocol.next()
    expect(protocol.next()).toBeUndefined()
    expect(() => protocol.send({ keyword: 'NOOP' })).toThrow(
      expect.objectContaining({ code: 'POP3_OUT_OF_STEP' }),
    )
    expect(() => protocol.next()).toThrow(ProtocolError)
  })

  it.each([
    ['an empty line (Exchange Online)', '\r\n'],
    ['a body line', 'Received: from\r\n'],
    ['a continuation', '+ \r\n'],
  ])('is out of step at %s in place of a reply', (_title, line) => {
    expect(() =>
      events([{ keyword: 'DELE', messageNumber: 1 }], [latin1(`+OK\r\n${line}`)]),
    ).toThrow(expect.objectContaining({ code: 'POP3_OUT_OF_STEP' }))
  })

  const long = (octets: number): string => 'x'.repeat(octets)

  it.each([
    ['greeting', [], (n: number) => `+OK${' '.repeat(n - 3)}`, STATUS_LINE_OCTETS],
    [
      'capability line',
      [{ keyword: 'CAPA' }],
      (n: number) => `+OK\r\n+OK\r\n${long(n)}`,
      CAPABILITY_LINE_OCTETS,
    ],
    [
      'listing row',
      [{ keyword: 'UIDL' }],
      (n: number) => `+OK\r\n+OK\r\n${long(n)}`,
      LISTING_ROW_OCTETS,
    ],
  ] as const)('bounds a %s, complete or not', (_title, sent, wire, limit) => {
    expect(() => events(sent, [latin1(`${wire(limit)}\r\n`)])).not.toThrow()
    const limitError = expect.objectContaining({ code: 'POP3_LIMIT' })
    expect(() => events(sent, [latin1(`${wire(limit + 1)}\r\n`)])).toThrow(limitError)
    expect(() => events(sent, [latin1(`${wire(limit + 1)}\n`)])).toThrow(limitError)
    expect(() => events(sent, [latin1(wire(limit + 2))])).toThrow(limitError)
  })

  it('bounds the lines of CAPA', () => {
    const wire = (lines: number): Uint8Array =>
      latin1(`+OK\r\n+OK\r\n${'X\r\n'.repeat(lines)}.\r\n`)
    expect(() => events([{ keyword: 'CAPA' }], [wire(CAPABILITY_LINES)])).not.toThrow()
    expect(() => events([{ keyword: 'CAPA' }], [wire(CAPABILITY_LINES + 1)])).toThrow(
      expect.objectContaining({ code: 'POP3_LIMIT' }),
    )
  })
})
