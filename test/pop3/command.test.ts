import { describe, expect, it } from 'vitest'
import {
  type Command,
  commandOctets,
  encodeCommand,
  redactCommand,
} from '../../src/pop3/command.ts'
import { CONTINUATION_OCTETS, LONG_COMMAND_OCTETS } from '../../src/pop3/limits.ts'

const encoded = (command: Command): string => Buffer.from(encodeCommand(command)).toString('utf8')

describe('encodeCommand', () => {
  it.each<[Command, string]>([
    [{ keyword: 'STAT' }, 'STAT\r\n'],
    [{ keyword: 'USER', user: 'me@example.com' }, 'USER me@example.com\r\n'],
    [{ keyword: 'PASS', secret: 'two words ' }, 'PASS two words \r\n'],
    [{ keyword: 'PASS', secret: 'pässword' }, 'PASS pässword\r\n'],
    [{ keyword: 'AUTH', mechanism: 'PLAIN' }, 'AUTH PLAIN\r\n'],
    [{ keyword: 'AUTH', mechanism: 'PLAIN', initialResponse: 'AA==' }, 'AUTH PLAIN AA==\r\n'],
    [{ keyword: 'APOP', user: 'me', digest: 'c4c9334b' }, 'APOP me c4c9334b\r\n'],
    [{ keyword: 'STLS' }, 'STLS\r\n'],
    [{ keyword: 'UTF8' }, 'UTF8\r\n'],
    [{ keyword: 'TYPED', line: 'list 1' }, 'list 1\r\n'],
    [{ keyword: 'RETR', messageNumber: 12 }, 'RETR 12\r\n'],
    [{ keyword: 'TOP', messageNumber: 3, lines: 0 }, 'TOP 3 0\r\n'],
  ])('writes %j', (command, line) => {
    expect(encoded(command)).toBe(line)
  })

  it.each(['a\rb', 'a\nb', 'a\0b', 'a\r\nDELE 1'])('refuses %j in an argument', (argument) => {
    const refused = expect.objectContaining({ code: 'POP3_ARGUMENT' })
    expect(() => encodeCommand({ keyword: 'USER', user: argument })).toThrow(refused)
    expect(() => encodeCommand({ keyword: 'PASS', secret: argument })).toThrow(refused)
    expect(() => encodeCommand({ keyword: 'AUTH', mechanism: argument })).toThrow(refused)
  })

  it('refuses a line over its limit', () => {
    const auth = (octets: number): Command => ({
      keyword: 'AUTH',
      mechanism: 'PLAIN',
      initialResponse: 'A'.repeat(octets - 'AUTH PLAIN \r\n'.length),
    })
    expect(encodeCommand(auth(CONTINUATION_OCTETS))).toHaveLength(CONTINUATION_OCTETS)
    expect(() => encodeCommand(auth(CONTINUATION_OCTETS + 1))).toThrow('more than 65536')
    const pass = (octets: number): Command => ({ keyword: 'PASS', secret: 'x'.repeat(octets - 7) })
    expect(encodeCommand(pass(LONG_COMMAND_OCTETS))).toHaveLength(LONG_COMMAND_OCTETS)
    expect(() => encodeCommand(pass(LONG_COMMAND_OCTETS + 1))).toThrow('more than 2048')
  })

  it('names no secret in its errors', () => {
    expect(() => encodeCommand({ keyword: 'PASS', secret: 'canary\n' })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('canary') }),
    )
  })
})

describe('redactCommand', () => {
  it('masks secrets only', () => {
    expect(redactCommand({ keyword: 'PASS', secret: 'canary' })).toBe('PASS ***')
    expect(redactCommand({ keyword: 'AUTH', mechanism: 'PLAIN', initialResponse: 'canary' })).toBe(
      'AUTH PLAIN ***',
    )
    expect(redactCommand({ keyword: 'APOP', user: 'me', digest: 'canary' })).toBe('APOP me ***')
    expect(redactCommand({ keyword: 'TYPED', line: 'pass canary' })).toBe('pass ***')
    expect(redactCommand({ keyword: 'AUTH', mechanism: 'PLAIN' })).toBe('AUTH PLAIN')
    expect(redactCommand({ keyword: 'USER', user: 'me' })).toBe('USER me')
  })
})

describe('commandOctets', () => {
  it('is what encodeCommand writes', () => {
    const command: Command = { keyword: 'RETR', messageNumber: 123456, listedOctets: 1 }
    expect(commandOctets(command)).toBe(encodeCommand(command).length)
  })
})
