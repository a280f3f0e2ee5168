/** A maildrop of two messages on a server that does nothing wrong, for the run after the fault. */
import { createHash } from 'node:crypto'
import type { TLSSocketOptions } from 'node:tls'
import { play, type ScriptedConnection, type Step, send } from '../support/scripted-server.ts'

/** How a case's server is reached. */
export type TlsMode = 'implicit' | 'stls' | 'none'

const MESSAGES = ['Subject: one\r\n\r\nfirst\r\n', 'Subject: two\r\n\r\nsecond\r\n'] as const
const [FIRST, SECOND] = MESSAGES

/** Digests of what the maildrop holds, sorted. */
export const DIGESTS: readonly string[] = MESSAGES.map((message) =>
  createHash('sha256').update(message).digest('hex'),
).toSorted()

const REPLIES: Readonly<Record<string, string>> = {
  CAPA: '+OK\r\nTOP\r\nUIDL\r\nPIPELINING\r\nUSER\r\nSASL PLAIN XOAUTH2 OAUTHBEARER\r\n.\r\n',
  USER: '+OK\r\n',
  PASS: '+OK\r\n',
  STAT: `+OK 2 ${FIRST.length + SECOND.length}\r\n`,
  LIST: `+OK\r\n1 ${FIRST.length}\r\n2 ${SECOND.length}\r\n.\r\n`,
  UIDL: '+OK\r\n1 h-1\r\n2 h-2\r\n.\r\n',
  'RETR 1': `+OK\r\n${FIRST}.\r\n`,
  'RETR 2': `+OK\r\n${SECOND}.\r\n`,
  NOOP: '+OK\r\n',
  UTF8: '+OK\r\n',
  QUIT: '+OK bye\r\n',
}

/** Octets heard on a connection before its login was accepted. */
const heardBefore = new WeakMap<ScriptedConnection, number>()

/** What the client said up to its login, or all of it where no login was accepted; one line each. */
export function saidBeforeLogin(connection: ScriptedConnection): readonly string[] {
  const heard = connection.received.subarray(0, heardBefore.get(connection)).toString('latin1')
  return heard.split('\r\n').slice(0, -1)
}

/** Says +OK to a login, and serves the maildrop. `capabilities` are announced from now on. */
export const accept =
  (capabilities?: readonly string[]): Step =>
  async (connection) => {
    heardBefore.set(connection, connection.received.length)
    await connection.send('+OK\r\n')
    await serve(connection, capabilities)
  }

/** Answers whatever comes, any login included, until the client closes. */
export async function serve(
  connection: ScriptedConnection,
  capabilities?: readonly string[],
): Promise<void> {
  for (;;) {
    const line = await connection.nextLine()
    if (line === undefined) return
    const keyword = line.split(' ')[0] ?? ''
    if (keyword === 'AUTH') await logIn(connection, line)
    else if (keyword === 'CAPA' && capabilities) await connection.send(listOf(capabilities))
    else await connection.send(REPLIES[line] ?? REPLIES[keyword] ?? '-ERR what?\r\n')
    if (keyword === 'QUIT') connection.fin()
  }
}

async function logIn(connection: ScriptedConnection, line: string): Promise<void> {
  if (line.split(' ').length === 2) {
    await connection.send('+ \r\n')
    await connection.nextLine()
  }
  await connection.send('+OK\r\n')
}

/** A reply to CAPA. */
export const listOf = (capabilities: readonly string[]): string =>
  `+OK\r\n${capabilities.map((line) => `${line}\r\n`).join('')}.\r\n`

/** The steps behind greeting and, with `stls`, TLS. */
export function greeted(mode: TlsMode, tls: TLSSocketOptions, steps: readonly Step[]): Step[] {
  if (mode !== 'stls') return [send('+OK ready\r\n'), ...steps]
  return [
    send('+OK ready\r\n'),
    (connection) => connection.expectLine('STLS').then(() => undefined),
    send('+OK\r\n'),
    (connection) => connection.startTls(tls),
    ...steps,
  ]
}

export const healthy = (mode: TlsMode, tls: TLSSocketOptions): Step[] =>
  greeted(mode, tls, [(connection) => play(connection, [(one) => serve(one)])])
