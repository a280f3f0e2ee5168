/** Somebody in between who has a certificate that we trust: SCRAM with channel binding notices. */
import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { expect } from 'vitest'
import { ScramServer } from '../sasl/scram-server.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type ScriptedServer, scriptedTlsServer } from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase, type Stage } from './fault-case.ts'
import type { ServerKey } from './household.ts'

const here = { subject: '/CN=localhost', altNames: 'DNS:localhost, IP:127.0.0.1' }
const OFFER = '+OK\r\nSASL SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN\r\nUSER\r\n.\r\n'

interface Honest extends AsyncDisposable {
  readonly port: number
  /** How each login ended. */
  readonly verdicts: readonly boolean[]
}

/** A server that knows the password, and binds SCRAM to its own TLS session. */
async function honestServer(tls: ServerKey): Promise<Honest> {
  const sockets = new Set<Socket>()
  const verdicts: boolean[] = []
  const server = createServer(tls, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket, (ok) => verdicts.push(ok))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    verdicts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(socket: TLSSocket, ended: (ok: boolean) => void): void {
  const label = 'EXPORTER-Channel-Binding'
  const data = socket.exportKeyingMaterial(32, label, Buffer.alloc(0))
  const binding = { type: 'tls-exporter', data }
  const scram = new ScramServer({ hash: 'SHA-256', user: 'me', password: CANARY, binding })
  const answer = (message: string): string => {
    const reply = scram.answer(Buffer.from(message, 'base64'))
    if ('challenge' in reply) return `+ ${Buffer.from(reply.challenge).toString('base64')}\r\n`
    ended(reply.ok)
    // What comes after is no part of this.
    if (reply.ok) setImmediate(() => socket.end())
    return reply.ok ? '+OK\r\n' : '-ERR [AUTH] failed\r\n'
  }
  socket.write('+OK ready\r\n')
  let unread = ''
  socket.on('data', (octets: Buffer) => {
    const lines = (unread + octets.toString('latin1')).split('\r\n')
    unread = lines.pop() ?? ''
    for (const line of lines) {
      if (line === 'CAPA') socket.write(OFFER)
      else socket.write(answer(line.replace(/^AUTH SCRAM-SHA-256-PLUS /, '')))
    }
  })
}

/** Ends TLS with its own certificate, and carries the octets to the server and back. */
function relay(target: number) {
  return (stage: Stage) =>
    scriptedTlsServer(stage.tls, async (client) => {
      const socket = connect({ port: target, host: '127.0.0.1', rejectUnauthorized: false })
      socket.on('error', () => undefined)
      socket.on('data', (octets: Buffer) => void client.send(octets))
      for (;;) {
        const line = await client.nextLine()
        if (line === undefined) break
        socket.write(`${line}\r\n`)
      }
      socket.destroy()
    })
}

let honest: Honest | undefined

/** The honest server itself, as it is behind nobody. */
const direct = (stage: Stage): Promise<ScriptedServer> =>
  behind(stage, async ({ port }) => ({
    ...{ port, host: '127.0.0.1' as const, connections: [] },
    played: async () => undefined,
    ...{ close: async () => undefined, [Symbol.asyncDispose]: async () => undefined },
  }))

async function behind(
  stage: Stage,
  start: (server: Honest) => Promise<ScriptedServer>,
): Promise<ScriptedServer> {
  const server = await honestServer(makeCertificate(stage.certificates, here))
  honest = server
  const before = await start(server)
  const close = async (): Promise<void> => {
    await before.close()
    await server[Symbol.asyncDispose]()
  }
  return { ...before, close, [Symbol.asyncDispose]: close }
}

faultCase({
  name: 'closes when SCRAM, bound to its TLS session, has proved both sides',
  modes: ['implicit'],
  start: direct,
  expect: { exit: 69, code: 'NET_CLOSED', wire: () => expect(honest?.verdicts).toEqual([true]) },
})

faultCase({
  name: 'is a relay with another TLS session on its far side, where SCRAM is bound to TLS',
  modes: ['implicit'],
  start: (stage) => behind(stage, ({ port }) => relay(port)(stage)),
  expect: {
    exit: 77,
    code: 'LOGIN_REFUSED',
    wire: (server) => {
      // One attempt, bound to TLS, and nothing weaker after it.
      const lines = server.connections.flatMap(({ receivedText }) => receivedText.split('\r\n'))
      expect(lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
        ...['CAPA', 'AUTH SCRAM-SHA-256-PLUS', expect.stringMatching(/^[A-Za-z0-9+/]+=*$/)],
        ...['', ''],
      ])
      expect(honest?.verdicts).toEqual([false])
    },
  },
})
