import { describe, expect, it } from 'vitest'
import { MinimumRate, RATE_OCTETS, RATE_SPAN_MS } from '../../src/client/minimum-rate.ts'
import { Wire } from '../../src/client/wire.ts'
import { connect } from '../../src/net/connect.ts'
import { closed, expectLine, scriptedServer, send } from '../support/scripted-server.ts'

const MINUTE = 60_000

describe('the minimum rate', () => {
  it('is kept by 1 KiB a minute, and not by an octet less', () => {
    const rate = new MinimumRate()
    const fast = Array.from({ length: 30 }, () => rate.allows(1024, MINUTE))
    expect(fast).not.toContain(false)
    const slow = new MinimumRate()
    for (let minute = 1; minute < 10; minute += 1) expect(slow.allows(1024, MINUTE)).toBe(true)
    expect(slow.allows(1023, MINUTE)).toBe(false)
  })

  it('counts each span for itself: a fast beginning does not pay for a drip', () => {
    const rate = new MinimumRate()
    expect(rate.allows(RATE_OCTETS * 1000, RATE_SPAN_MS)).toBe(true)
    expect(rate.allows(1, RATE_SPAN_MS - 1)).toBe(true)
    expect(rate.allows(1, 1)).toBe(false)
  })
})

it('ends a response that drips an octet before each timeout, and lets a waiting server be', async () => {
  await using server = await scriptedServer(async (connection) => {
    await connection.send('+OK ready\r\n')
    for (let count = 0; count < 30; count += 1) {
      await connection.expectLine('NOOP')
      await connection.send('+OK\r\n')
    }
    await connection.expectLine('LIST')
    await connection.send('+OK\r\n')
    connection.chunk(1)
    await connection.send('1 1'.padEnd(10_000, '0'))
    await connection.closed()
  })
  const { host, port } = server
  const connection = await connect({ host, port, tls: 'none', timeoutMs: 5_000 })
  // Each look at the clock finds it 50 s on.
  let now = 0
  const wire = new Wire(connection, undefined, () => {
    now += 50_000
    return now
  })
  await wire.event(60_000)
  for (let count = 0; count < 30; count += 1) {
    expect(await wire.ask({ keyword: 'NOOP' }, 60_000)).toMatchObject({ ok: true })
  }
  wire.send([{ keyword: 'LIST' }])
  await expect(wire.rows({ first: 60_000, data: 60_000 }, () => {})).rejects.toMatchObject({
    code: 'NET_TIMEOUT',
    message: 'the server sends less than 1 KiB a minute',
  })
  wire.close()
  await server.played()
})

it('does not call a fast response slow', async () => {
  await using server = await scriptedServer([
    ...[send('+OK ready\r\n'), expectLine('LIST'), send(`+OK\r\n${'1 1\r\n'.repeat(4000)}.\r\n`)],
    closed(),
  ])
  const { host, port } = server
  const connection = await connect({ host, port, tls: 'none', timeoutMs: 5_000 })
  let now = 0
  const wire = new Wire(connection, undefined, () => (now += RATE_SPAN_MS / 2))
  await wire.event(60_000)
  wire.send([{ keyword: 'LIST' }])
  let rows = 0
  await wire.rows({ first: 60_000, data: 60_000 }, (lines) => {
    rows += lines.length / '1 1\r\n'.length
  })
  expect(rows).toBe(4000)
  wire.close()
  await server.played()
})
