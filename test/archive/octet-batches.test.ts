import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Batch, OctetBatches } from '../../src/archive/octet-batches.ts'

/** The writer's side: what was sent and not taken yet. */
function writer() {
  const sent: Batch[] = []
  const batches = new OctetBatches((batch) => sent.push(batch))
  const take = () => {
    const batch = sent.shift()
    if (batch) batches.taken(batch.buffer, batch.octets)
    return batch?.octets
  }
  return { sent, batches, take }
}

describe('octets on their way to a writer', () => {
  it('leave at the end of the turn', async () => {
    const { sent, batches } = writer()
    expect(batches.write(1, new Uint8Array(10))).toBeUndefined()
    expect(batches.write(2, new Uint8Array(5))).toBeUndefined()
    expect(sent).toEqual([])
    await turn()
    expect(sent.map(({ octets, steps }) => [octets, steps.length])).toEqual([[15, 2]])
  })

  it('do not take a buffer for each few octets while the writer waits for its disk', async () => {
    const { sent, batches, take } = writer()
    for (let count = 0; count < 1000; count += 1) {
      expect(batches.write(1, new Uint8Array(1000))).toBeUndefined()
      await turn()
    }
    // Two unfilled ones, then only full ones.
    expect(sent.length).toBeLessThanOrEqual(2 + Math.ceil(1e6 / (256 * 1024)))
    let octets = 0
    for (let more = take(); more !== undefined; more = take()) octets += more
    expect(octets).toBe(1e6)
  })

  it('make senders wait past 4 MiB, and let them go on at half of it', async () => {
    const { sent, batches, take } = writer()
    let isWaiting = true
    const wait = batches.write(1, new Uint8Array(4 * 1024 * 1024 + 1))
    void wait?.then(() => {
      isWaiting = false
    })
    const turns = sent.length
    for (let taken = 0; taken < turns / 2 - 1; taken += 1) take()
    await turn()
    expect(isWaiting).toBe(true)
    take()
    take()
    await wait
    expect(isWaiting).toBe(false)
  })

  it('do not wait for a writer that has stopped', async () => {
    const { batches } = writer()
    const wait = batches.write(1, new Uint8Array(5 * 1024 * 1024))
    batches.stop()
    await expect(wait).resolves.toBeUndefined()
  })
})
