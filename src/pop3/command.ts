import { ArgumentError } from './errors.ts'
import { COMMAND_OCTETS, CONTINUATION_OCTETS, LONG_COMMAND_OCTETS } from './limits.ts'
import { CR, isAscii, LF, NUL, octetsOf, utf8Octets } from './octets.ts'
import {
  isTypedAuth,
  type ResponseShape,
  redactTyped,
  typedHoldsSecret,
  typedKeyword,
  typedShape,
} from './typed.ts'

/**
 * The commands that popkeep sends (RFC 1939, 2449, 2595, 5034, 6856; LAST: RFC 1460). Keywords go out in upper case,
 * but for TYPED, which is a line as a person typed it.
 */
export type Command =
  | { readonly keyword: BareKeyword }
  | { readonly keyword: 'USER'; readonly user: string }
  | { readonly keyword: 'PASS'; readonly secret: string }
  | {
      readonly keyword: 'APOP'
      readonly user: string
      /** MD5 of the greeting's timestamp and the secret, 32 lower-case hex digits. */
      readonly digest: string
    }
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
  /** Of all messages, or the one row of a message. */
  | { readonly keyword: 'LIST'; readonly messageNumber?: number | undefined }
  | {
      readonly keyword: 'TYPED'
      /** Without its end. */
      readonly line: string
    }

type BareKeyword = 'CAPA' | 'LAST' | 'NOOP' | 'QUIT' | 'STAT' | 'STLS' | 'UIDL' | 'UTF8'

export function responseShape(command: Command): ResponseShape {
  const { keyword } = command
  if (keyword === 'TYPED') return typedShape(command.line)
  if (keyword === 'RETR' || keyword === 'TOP') return 'body'
  if (keyword === 'LIST') return command.messageNumber === undefined ? 'lines' : 'single'
  return keyword === 'CAPA' || keyword === 'UIDL' ? 'lines' : 'single'
}

/** Whether the server may answer with SASL challenges (RFC 5034 section 4). */
export function invitesChallenge(command: Command): boolean {
  return command.keyword === 'AUTH' || (command.keyword === 'TYPED' && isTypedAuth(command.line))
}

/** Whether the line lets someone log in who reads it. */
export function holdsSecret(command: Command): boolean {
  const { keyword } = command
  if (keyword === 'TYPED') return typedHoldsSecret(command.line)
  return keyword === 'PASS' || keyword === 'APOP' || keyword === 'AUTH'
}

/**
 * The command line with CRLF. Throws ArgumentError (POP3_ARGUMENT) if an argument holds CR, LF or NUL, or if the line
 * is longer than the command may be: 255 octets; 2,048 for USER, PASS and APOP; 64 KiB for AUTH and for typed lines.
 */
export function encodeCommand(command: Command): Uint8Array {
  return encodeLine(commandName(command), words(command), lineLimit(command))
}

/**
 * A line in answer to a SASL challenge (RFC 5034 section 4), with CRLF: base64, nothing for an empty response, or `*`
 * to cancel.
 */
export function encodeAnswer(base64: string): Uint8Array {
  return encodeLine('AUTH', base64, CONTINUATION_OCTETS)
}

/** The command line without its end for traces: secrets and initial responses are masked, user names are not. */
export function redactCommand(command: Command): string {
  const { keyword } = command
  if (keyword === 'PASS') return 'PASS ***'
  if (keyword === 'APOP') return `APOP ${command.user} ***`
  if (keyword === 'TYPED') return redactTyped(command.line)
  if (keyword === 'AUTH' && command.initialResponse !== undefined) {
    return `AUTH ${command.mechanism} ***`
  }
  return words(command)
}

/** Its keyword, for messages; of a typed line the one that was typed. */
export function commandName(command: Command): string {
  return command.keyword === 'TYPED' ? typedKeyword(command.line) : command.keyword
}

/** Octets of the command line with CRLF, for a command whose arguments are numbers or base64. */
export function commandOctets(command: Command): number {
  return words(command).length + 2
}

function lineLimit({ keyword }: Command): number {
  if (keyword === 'USER' || keyword === 'PASS' || keyword === 'APOP') return LONG_COMMAND_OCTETS
  return keyword === 'AUTH' || keyword === 'TYPED' ? CONTINUATION_OCTETS : COMMAND_OCTETS
}

function words(command: Command): string {
  switch (command.keyword) {
    case 'USER':
      return `USER ${command.user}`
    case 'PASS':
      return `PASS ${command.secret}`
    case 'APOP':
      return `APOP ${command.user} ${command.digest}`
    case 'AUTH':
      return command.initialResponse === undefined
        ? `AUTH ${command.mechanism}`
        : `AUTH ${command.mechanism} ${command.initialResponse}`
    case 'RETR':
    case 'DELE':
      return `${command.keyword} ${command.messageNumber}`
    case 'TOP':
      return `TOP ${command.messageNumber} ${command.lines}`
    case 'LIST':
      return command.messageNumber === undefined ? 'LIST' : `LIST ${command.messageNumber}`
    case 'TYPED':
      return command.line
    case 'CAPA':
    case 'LAST':
    case 'NOOP':
    case 'QUIT':
    case 'STAT':
    case 'STLS':
    case 'UIDL':
    case 'UTF8':
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
