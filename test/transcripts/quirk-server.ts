import type { ScriptedConnection, ScriptedServer } from '../support/scripted-server.ts'
import { scriptedServer } from '../support/scripted-server.ts'
import type { Reply, Transcript } from './transcript.ts'

/** A maildrop of two messages, 23 and 24 octets, on a server that does nothing special. */
const HEALTHY: Readonly<Record<string, string>> = {
  greeting: '+OK healthy\r\n',
  CAPA: '+OK\r\nUSER\r\nPIPELINING\r\nTOP\r\nUIDL\r\n.\r\n',
  USER: '+OK\r\n',
  PASS: '+OK\r\n',
  STAT: '+OK 2 47\r\n',
  LIST: '+OK\r\n1 23\r\n2 24\r\n.\r\n',
  UIDL: '+OK\r\n1 h-1\r\n2 h-2\r\n.\r\n',
  'RETR 1': '+OK\r\nSubject: one\r\n\r\nfirst\r\n.\r\n',
  'RETR 2': '+OK\r\nSubject: two\r\n\r\nsecond\r\n.\r\n',
  'TOP 1 0': '+OK\r\nSubject: one\r\n\r\n.\r\n',
  'TOP 2 0': '+OK\r\nSubject: two\r\n\r\n.\r\n',
  DELE: '+OK\r\n',
  NOOP: '+OK\r\n',
  RSET: '+OK\r\n',
  QUIT: '+OK bye\r\n',
}

/** Starts a server that answers as the transcript says, and as a healthy one where it says nothing. */
export function quirkServer({ replies }: Pick<Transcript, 'replies'>): Promise<ScriptedServer> {
  return scriptedServer(async (connection) => {
    const asked = new Map<string, number>()
    const answer = (line: string): Reply => {
      const keyword = line.split(' ')[0]?.toUpperCase() ?? ''
      const key = [line, keyword].find((candidate) => candidate in replies)
      if (key === undefined) return HEALTHY[line] ?? HEALTHY[keyword] ?? '-ERR no\r\n'
      const given = replies[key] ?? ''
      if (typeof given === 'string' || 'after' in given) return given
      const before = asked.get(key) ?? 0
      asked.set(key, before + 1)
      return given.at(Math.min(before, given.length - 1)) ?? ''
    }
    let isOpen = await say(connection, answer('greeting'))
    while (isOpen) {
      const line = await connection.nextLine()
      if (line === undefined) return
      isOpen = await say(connection, answer(line))
      if (line.toUpperCase() === 'QUIT' && isOpen) {
        connection.fin()
        isOpen = false
      }
    }
    await connection.closed()
  })
}

/** Whether the connection goes on. */
async function say(connection: ScriptedConnection, reply: Reply): Promise<boolean> {
  const {
    octets,
    chunk = 0,
    after,
  } = typeof reply === 'string' ? { octets: reply, after: 'go on' as const } : reply
  connection.chunk(chunk)
  await connection.send(octets)
  connection.chunk(0)
  if (after === 'go on') return true
  connection.fin()
  return false
}
