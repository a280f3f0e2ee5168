/** Conversations that the tests of the client share. */
import { type Credential, createMaildrop, type MaildropOptions } from '../../src/client/maildrop.ts'
import type { Session } from '../../src/client/session.ts'
import {
  expectLine,
  type Script,
  type ScriptedServer,
  type Step,
  send,
} from '../support/scripted-server.ts'

export interface LoggedIn {
  /** Capability lines announced after login. */
  readonly capabilities?: readonly string[]
}

/** Greeting, CAPA, USER, PASS, CAPA. */
export function loggedIn({ capabilities = ['TOP', 'UIDL', 'PIPELINING'] }: LoggedIn = {}): Step[] {
  return [
    send('+OK ready\r\n'),
    expectLine('CAPA'),
    send('+OK\r\nUSER\r\n.\r\n'),
    expectLine('USER me'),
    send('+OK\r\n'),
    expectLine('PASS secret'),
    send('+OK\r\n'),
    expectLine('CAPA'),
    send(`+OK\r\n${capabilities.map((line) => `${line}\r\n`).join('')}.\r\n`),
  ]
}

/** Greeting and CAPA with these lines, then the steps. */
export function announcing(capabilities: readonly string[], ...steps: readonly Step[]): Step[] {
  const lines = capabilities.map((line) => `${line}\r\n`).join('')
  return [send('+OK ready\r\n'), expectLine('CAPA'), send(`+OK\r\n${lines}.\r\n`), ...steps]
}

/** What follows a login that succeeded. */
export const lastCapa: readonly Step[] = [
  expectLine('CAPA'),
  send('+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n'),
]

export const password = (secret: string): Credential => ({ type: 'password', secret })

/** A login, then these steps. */
export function afterLogin(steps: readonly Step[], options?: LoggedIn): Script {
  return [...loggedIn(options), ...steps]
}

/** Opens a session at a scripted server in clear text. */
export function openAt(
  { host, port }: Pick<ScriptedServer, 'host' | 'port'>,
  options: Partial<MaildropOptions> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Session> {
  const maildrop = createMaildrop({
    host,
    port,
    user: 'me',
    credential: password('secret'),
    tls: 'none',
    pipelining: true,
    ...options,
  })
  return maildrop.open(signal)
}

/** Opens and closes a session; returns the mechanism that led there. */
export async function mechanismAt(
  server: ScriptedServer,
  options?: Partial<MaildropOptions>,
): Promise<string> {
  const session = await openAt(server, options)
  session.close()
  await server.played()
  return session.facts.mechanism
}

/** What clients said, on all connections. */
export const linesAt = (server: ScriptedServer): string[] =>
  server.connections.flatMap(({ receivedText }) => receivedText.split('\r\n').filter(Boolean))
