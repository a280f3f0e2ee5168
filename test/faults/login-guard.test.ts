/** The one place that writes secrets refuses to, where the connection is to be protected and is not. */
import { expect, it } from 'vitest'
import { Wire } from '../../src/client/wire.ts'
import { connect } from '../../src/net/connect.ts'
import type { Command } from '../../src/pop3/command.ts'
import { closed, expectLine, scriptedServer, send } from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'

const secrets: readonly Command[] = [
  { keyword: 'PASS', secret: CANARY },
  { keyword: 'APOP', user: 'me', digest: '0'.repeat(32) },
  { keyword: 'AUTH', mechanism: 'PLAIN', initialResponse: CANARY },
  { keyword: 'TYPED', line: `pass ${CANARY}` },
]

it.each(secrets)('writes no $keyword before STLS has led to TLS', async (command) => {
  await using server = await scriptedServer([send('+OK ready\r\n'), expectLine('NOOP'), closed()])
  const { host, port } = server
  const trace: string[] = []
  const connection = await connect({ host, port, tls: 'stls', timeoutMs: 20_000, environment: {} })
  const wire = new Wire(connection, (line) => trace.push(line))
  await wire.event()
  const refused = expect.objectContaining({ code: 'NET_POLICY' })
  expect(() => wire.send([command])).toThrow(refused)
  expect(() => wire.send([{ keyword: 'CAPA' }, command])).toThrow(refused)
  expect(() => wire.answer(CANARY)).toThrow(refused)
  wire.send([{ keyword: 'NOOP' }])
  wire.close()
  await server.played()
  expect(server.connections[0]?.receivedText).toBe('NOOP\r\n')
  expect(trace.join('\n')).not.toContain(CANARY)
})
