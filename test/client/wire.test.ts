import { describe, expect, it } from 'vitest'
import { greet } from '../../src/client/greeting.ts'
import { Wire } from '../../src/client/wire.ts'
import { connect } from '../../src/net/connect.ts'
import type { Command } from '../../src/pop3/command.ts'
import { closed, expectLine, scriptedServer, send } from '../support/scripted-server.ts'

const digest = '0'.repeat(32)

describe('the wire, before STLS has led to TLS', () => {
  it.each<Command>([
    { keyword: 'PASS', secret: 'canary' },
    { keyword: 'APOP', user: 'me', digest },
    { keyword: 'AUTH', mechanism: 'PLAIN', initialResponse: 'canary' },
    { keyword: 'AUTH', mechanism: 'PLAIN' },
    { keyword: 'TYPED', line: 'pass canary' },
    { keyword: 'TYPED', line: 'auth plain' },
  ])('sends no $keyword', async (command) => {
    await using server = await scriptedServer([
      ...[send('+OK\r\n'), expectLine('NOOP'), send('+OK\r\n'), closed()],
    ])
    const { host, port } = server
    const connection = await connect({ host, port, tls: 'stls', timeoutMs: 5_000 })
    const wire = new Wire(connection, undefined)
    await wire.event()
    const refused = expect.objectContaining({ code: 'NET_POLICY' })
    expect(() => wire.send([command])).toThrow(refused)
    expect(() => wire.answer('canary')).toThrow(refused)
    // Nothing of it waits to be sent.
    expect(await wire.ask({ keyword: 'NOOP' })).toMatchObject({ ok: true })
    wire.close()
    await server.played()
    expect(server.connections[0]?.receivedText).toBe('NOOP\r\n')
  })
})

it('a wire in clear text that its owner permitted sends secrets', async () => {
  await using server = await scriptedServer([
    ...[send('+OK\r\n'), expectLine('PASS canary'), send('+OK\r\n'), closed()],
  ])
  const { host, port } = server
  const { wire } = await greet({ host, port, tls: 'none' }, new AbortController().signal)
  expect(await wire.ask({ keyword: 'PASS', secret: 'canary' }, 5_000)).toMatchObject({ ok: true })
  wire.close()
  await server.played()
})

it('a wire does not wait for a reply longer than it may take, however it drips', async () => {
  await using server = await scriptedServer(async (connection) => {
    await connection.send('+OK ready\r\n')
    await connection.expectLine('NOOP')
    await connection.send('+OK ')
    const drip = setInterval(() => void connection.send('x'), 20)
    await connection.closed()
    clearInterval(drip)
  })
  const { host, port } = server
  const { wire } = await greet({ host, port, tls: 'none' }, new AbortController().signal)
  const late = expect.objectContaining({ code: 'NET_TIMEOUT' })
  await expect(wire.ask({ keyword: 'NOOP' }, 300)).rejects.toEqual(late)
  await server.played()
})
