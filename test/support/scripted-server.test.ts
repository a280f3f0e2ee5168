import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { makeCertificates } from './certificates.ts'
import { hasOpenssl } from './openssl.ts'
import {
  chunk,
  closed,
  expectLine,
  expectOctets,
  fin,
  gate,
  hold,
  play,
  reset,
  scriptedServer,
  scriptedTlsServer,
  send,
  stopReading,
} from './scripted-server.ts'

describe('scriptedServer', () => {
  it('plays its steps and records what it heard', async () => {
    await using server = await scriptedServer([
      send('+OK\r\n'),
      expectLine('CAPA'),
      chunk(1),
      send('-ERR no\r\n'),
      expectOctets('QUIT\r\n'),
      fin(),
    ])
    const socket = connect(server.port, server.host)
    socket.write('CAPA\r\nQUIT\r\n')
    expect(await text(socket)).toBe('+OK\r\n-ERR no\r\n')
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('CAPA\r\nQUIT\r\n')
  })

  it('gives each connection its own script, and the last one to the rest', async () => {
    await using server = await scriptedServer([send('first'), fin()], (connection) =>
      play(connection, [send(`script two, ${connection.index}`), fin()]),
    )
    const said: string[] = []
    for (let n = 0; n < 3; n += 1) said.push(await text(connect(server.port, server.host)))
    expect(said).toEqual(['first', 'script two, 1', 'script two, 2'])
  })

  it('reports an expectation that was not met, and resets the connection', async () => {
    await using server = await scriptedServer([expectLine(/^USER /), send('never')])
    const socket = connect(server.port, server.host)
    socket.write('QUIT\r\n')
    await expect(text(socket)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await expect(server.played()).rejects.toMatchObject({
      cause: { message: 'expected a line /^USER /, received "QUIT"' },
    })
  })

  it('reports a peer that closed too early', async () => {
    await using server = await scriptedServer([expectLine('QUIT')])
    const socket = connect(server.port, server.host)
    socket.end('QU')
    await text(socket).catch(() => {})
    await expect(server.played()).rejects.toThrow('connection 1')
  })

  it('holds until told, and resets on request', async () => {
    const door = gate()
    await using server = await scriptedServer([send('a'), hold(door.opened), reset()])
    const socket = connect(server.port, server.host)
    await new Promise((resolve) => socket.once('data', resolve))
    const ended = new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
    door.open()
    expect((await ended).code).toBe('ECONNRESET')
  })

  it('stops reading: what the peer writes stays with the peer', async () => {
    const door = gate()
    await using server = await scriptedServer([
      stopReading(),
      send('stopped'),
      hold(door.opened),
      closed(),
    ])
    const socket = connect(server.port, server.host)
    await new Promise((resolve) => socket.once('data', resolve))
    let isFlushed = false
    socket.write(Buffer.alloc(64 * 1024 * 1024), () => {
      isFlushed = true
    })
    socket.on('error', () => {})
    for (let turn = 0; turn < 50; turn += 1) await new Promise((next) => setImmediate(next))
    expect(isFlushed).toBe(false)
    expect(server.connections[0]?.received.length).toBeLessThan(1024 * 1024)
    socket.destroy()
    door.open()
  })

  it.skipIf(!hasOpenssl)('plays behind TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'popkeep-tls-'))
    try {
      const { ca, certificate, key } = makeCertificates(folder)
      await using server = await scriptedTlsServer(
        { cert: readFileSync(certificate), key: readFileSync(key) },
        [send('+OK\r\n'), expectLine('QUIT'), fin()],
      )
      const socket = connectTls({ port: server.port, host: server.host, ca: readFileSync(ca) })
      socket.write('QUIT\r\n')
      expect(await text(socket)).toBe('+OK\r\n')
      await server.played()
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
