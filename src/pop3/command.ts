import { ArgumentError } from './errors.ts'
import { COMMAND_OCTETS, CONTINUATION_OCTETS, LONG_COMMAND_OCTETS } from './limits.ts'
import { CR, LF, NUL, octetsOf, utf8Octets } from './octets.ts'

/** The commands that popkeep sends (RFC 1939, 2449, 5034; LAST: RFC 1460). Keywords go out in upper case. */
export type Command =
  | { readonly keyword: 'CAPA' | 'STAT' | 'LIST' | 'UIDL' | 'LAST' | 'NOOP' | 'QUIT' }
  | { readonly keyword: 'USER'; readonly user: string }
  | { readonly keyword: 'PASS'; readonly secret: string }
  | {
      readonly keyword: 'AUTH'
      readonly mechanism: string
      /** In base64; undefined for a mechanism begun without one. */
      readonly initialResponse?: string | undefined
    }
  | {
      readonly keyword: 'RETR'
      readonly messageNumber: number
      /** By LIST; helps to tell a termination octet from data. */
      readonly listedOctets?: number | undefined
    }
  | { readonly keyword: 'DELE'; readonly messageNumber: number }
  | { readonly keyword: 'TOP'; readonly messageNumber: number; readonly lines: number }

/** What follows +OK: nothing, lines, or the octets of a message. */
export type ResponseShape = 'single' | 'lines' | 'body'

export function responseShape({ keyword }: Command): ResponseShape {
  if (keyword === 'RETR' || keyword === 'TOP') return 'body'
  return keyword === 'CAPA' || keyword === 'LIST' || keyword === 'UIDL' ? 'lines' : 'single'
}

/**
 * The command line with CRLF. Throws ArgumentError (POP3_ARGUMENT) if an argument holds CR, LF or NUL, or if the line
 * is longer than the command may be: 255 octets, 2,048 for USER and PASS.
 */
export function encodeCommand(command: Command): Uint8Array {
  const limit =
    command.keyword === 'USER' || command.keyword === 'PASS' ? LONG_COMMAND_OCTETS : COMMAND_OCTETS
  return encodeLine(command.keyword, words(command), limit)
}

/** A line in answer to a SASL challenge (RFC 5034 section 4), with CRLF. */
export function encodeAnswer(base64: string): Uint8Array {
  return encodeLine('AUTH', base64, CONTINUATION_OCTETS)
}

/** The command line without its end for traces: secrets and initial responses are masked, user names are not. */
export function redactCommand(command: Command): string {
  if (command.keyword === 'PASS') return 'PASS ***'
  if (command.keyword === 'AUTH' && command.initialResponse !== undefined) {
    return `AUTH ${command.mechanism} ***`
  }
  return words(command)
}

/** Octets of the command line with CRLF, for a command whose arguments are numbers. */
export function commandOctets(command: Command): number {
  return words(command).length + 2
}

function words(command: Command): string {
  switch (command.keyword) {
    case 'USER':
      return `USER ${command.user}`
    case 'PASS':
      return `PASS ${command.secret}`
    case 'AUTH':
      return command.initialResponse === undefined
        ? `AUTH ${command.mechanism}`
        : `AUTH ${command.mechanism} ${command.initialResponse}`
    case 'RETR':
    case 'DELE':
      return `${command.keyword} ${command.messageNumber}`
    case 'TOP':
      return `TOP ${command.messageNumber} ${command.lines}`
    case 'CAPA':
    case 'STAT':
    case 'LIST':
    case 'UIDL':
    case 'LAST':
    case 'NOOP':
    case 'QUIT':
      return command.keyword
  }
}

function encodeLine(keyword: string, line: string, limit: number): Uint8Array {
  const octets = isAscii(line) ? octetsOf(`${line}\r\n`) : utf8Octets(`${line}\r\n`)
  // Any of these within the line would end it and begin another command (command injection).
  const end = octets.length - 2
  for (let at = 0; at < end; at += 1) {
    const octet = octets[at]
    if (octet === CR || octet === LF || octet === NUL) {
      throw new ArgumentError(`an argument of ${keyword} holds a line break or NUL`)
    }
  }
  if (octets.length > limit) {
    throw new ArgumentError(`the ${keyword} line has ${octets.length} octets, more than ${limit}`)
  }
  return octets
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 0x7e) return false
  return true
}
