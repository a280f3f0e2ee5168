import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Protocol } from '../../src/pop3/protocol.ts'
import {
  isTypedAuth,
  type ResponseShape,
  redactTyped,
  secretStart,
  typedHoldsSecret,
  typedKeyword,
  typedSecret,
  typedShape,
} from '../../src/pop3/typed.ts'
import { chunkings, latin1 } from '../support/chunkings.ts'

describe('the reply to a typed line', () => {
  it.each<[ResponseShape, readonly string[]]>([
    [
      'single',
      [
        ...['user paul', 'pass x', 'PASS two words', 'apop paul c4c9334bac560ecc', 'stls', 'utf8'],
        ...['stat', 'dele 4', 'noop', 'rset', 'rset 4', 'last', 'quit'],
        ...['list 1', 'LIST  2', 'uidl 1', 'lang es', 'auth plain', 'AUTH plain AA=='],
      ],
    ],
    ['lines', ['list', 'LIST', 'list ', ' uidl', 'capa', 'lang']],
    ['body', ['retr 4', 'Retr 4', 'top 1 0', 'TOP 1', 'retr']],
    ['open', ['auth', 'AUTH ', 'xtnd xlst subject', 'help', 'listing', '']],
  ])('is %s', (shape, lines) => {
    expect(lines.map((line) => [line, typedShape(line)])).toEqual(
      lines.map((line) => [line, shape]),
    )
  })
})

describe('the keyword of a typed line', () => {
  it.each([
    ['quit', 'QUIT'],
    [' Quit now', 'QUIT'],
    ['pass\tx', 'PASS'],
    ['', ''],
  ])('of %j is %j', (line, keyword) => {
    expect(typedKeyword(line)).toBe(keyword)
  })

  it('begins an exchange if it is AUTH with a mechanism', () => {
    const lines = ['auth plain', 'AUTH PLAIN AA==', 'auth', 'auth ', 'author me', 'user auth']
    expect(lines.filter(isTypedAuth)).toEqual(['auth plain', 'AUTH PLAIN AA=='])
  })
})

describe('the secret of a typed line', () => {
  it.each<[string, string | undefined, string]>([
    ['pass canary', 'canary', 'pass ***'],
    ['PaSs  two words ', ' two words ', 'PaSs ***'],
    [' pass canary', 'canary', ' pass ***'],
    ['pass\tcanary', 'canary', 'pass\t***'],
    ['auth plain canary', 'canary', 'auth plain ***'],
    ['AUTH  XOAUTH2  canary more', 'canary more', 'AUTH  XOAUTH2  ***'],
    ['apop me canary', 'canary', 'apop me ***'],
    ['pass ', undefined, 'pass '],
    ['pass', undefined, 'pass'],
    ['auth plain', undefined, 'auth plain'],
    ['auth plain ', undefined, 'auth plain '],
    ['user pass word', undefined, 'user pass word'],
    ['passage here', undefined, 'passage here'],
    ['retr 4', undefined, 'retr 4'],
    ['', undefined, ''],
  ])('in %j is %j', (line, secret, redacted) => {
    expect([typedSecret(line), redactTyped(line)]).toEqual([secret, redacted])
    expect(typedHoldsSecret(line)).toBe(secret !== undefined || isTypedAuth(line))
  })

  it('stays hidden while it is typed on', () => {
    const before = fc.constantFrom('pass ', 'Auth plain ', 'APOP me ')
    fc.assert(
      fc.property(before, fc.string(), (command, typed) => {
        const start = secretStart(command) ?? -1
        expect(start).toBe(command.length)
        expect(redactTyped(`${command}x${typed}`)).toBe(`${command}***`)
      }),
    )
  })
})

describe('the reply to a command that nobody knows', () => {
  /** Typed one behind the other, so that each reply may end where the next begins. */
  function heard(lines: readonly string[], chunks: readonly Uint8Array[]): readonly string[] {
    const protocol = new Protocol()
    for (const line of lines) protocol.send({ keyword: 'TYPED', line })
    const seen: string[] = []
    for (const chunk of chunks) {
      protocol.receive(chunk)
      for (let event = protocol.next(); event; event = protocol.next()) {
        if (event.type === 'greeting') continue
        const { command } = event
        const line = command.keyword === 'TYPED' ? command.line : ''
        if (event.type === 'line') seen.push(`${line}: ${Buffer.from(event.line).toString()}`)
        else if (event.type !== 'body') seen.push(`${line}: ${event.type}`)
      }
    }
    return seen
  }

  const lines = ['help', 'xtnd xlst', 'auth', 'auth plain', 'AA==', 'noop']
  const replies =
    '+OK\r\nCommands:\r\n..dotted\r\n+ plus\r\n.\r\n' +
    '+OK one line\r\n' +
    '+OK\r\nPLAIN\r\n' +
    '+ \r\n-ERR no\r\n' +
    '-ERR unknown\r\n' +
    '+OK\r\n'
  const expected = [
    ...['help: status', 'help: Commands:', 'help: .dotted', 'help: + plus', 'help: end'],
    'xtnd xlst: status',
    ...['auth: status', 'auth: PLAIN'],
    ...['auth plain: continuation', 'auth plain: status'],
    'AA==: status',
    'noop: status',
  ]

  it('is lines, or nothing, however it is cut', () => {
    for (const { name, chunks } of chunkings(latin1(`+OK ready\r\n${replies}`))) {
      expect(heard(lines, chunks), name).toEqual(expected)
    }
  })

  it('ends where the server ends the session', () => {
    const protocol = new Protocol()
    protocol.send({ keyword: 'TYPED', line: 'help' })
    protocol.receive(latin1('+OK ready\r\n+OK none\r\n-ERR Disconnected for inactivity.\r\n'))
    expect([protocol.next()?.type, protocol.next()?.type]).toEqual(['greeting', 'status'])
    expect(protocol.outstanding).toBe(1)
    expect(() => protocol.next()).toThrow(expect.objectContaining({ code: 'POP3_TEMPORARY' }))
    expect(protocol.outstanding).toBe(0)
  })
})
