import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { unpackSummary } from '../../src/archive/channel.ts'
import { type Batch, OctetBatches } from '../../src/archive/octet-batches.ts'
import { createMessageSummarizer, type MessageSummary } from '../../src/message/summary.ts'
import { mail } from './temp-archive.ts'

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

  it('make senders wait past 8 MiB, and let them go on at half of it', async () => {
    const { sent, batches, take } = writer()
    let isWaiting = true
    const wait = batches.write(1, new Uint8Array(8 * 1024 * 1024 + 1))
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

  it('make senders wait for messages that have none, too', () => {
    const { batches } = writer()
    const summary = createMessageSummarizer().end()
    const ends = Array.from({ length: 20_000 }, (_, intake) => batches.end(intake, summary, false))
    const free = ends.filter((pause) => pause === undefined).length
    expect(free).toBeGreaterThan(5_000)
    expect(free).toBeLessThan(20_000)
  })

  it('do not wait for a writer that has stopped', async () => {
    const { batches } = writer()
    const wait = batches.write(1, new Uint8Array(9 * 1024 * 1024))
    batches.stop()
    await expect(wait).resolves.toBeUndefined()
  })

  it('come out as they went in, with the summary of each message behind them', () => {
    const full = 256 * 1024
    const octets = fc.oneof(
      fc.nat(3000),
      fc.nat(2 * full),
      fc.integer({ min: full - 400, max: full }),
    )
    const messages = fc.array(fc.array(octets, { maxLength: 3 }), { maxLength: 8 })
    fc.assert(
      fc.property(messages, (sizes) => {
        const { sent, batches } = writer()
        const went = sizes.map((parts, intake) => {
          const summarizer = createMessageSummarizer()
          const written = [
            mail(`m${intake}`),
            ...parts.map((size) => new Uint8Array(size).fill(intake)),
          ]
          for (const part of written) {
            summarizer.write(part)
            void batches.write(intake, part)
          }
          const summary = summarizer.end()
          void batches.end(intake, summary, intake % 2 === 0)
          return { octets: Buffer.concat(written), summary, isShort: intake % 2 === 0 }
        })
        batches.flush()
        const came = read(sent)
        expect(came.length).toBe(went.length)
        for (const [index, { octets: all, summary, isShort }] of came.entries()) {
          expect(all.equals(went[index]?.octets ?? Buffer.alloc(0))).toBe(true)
          expect(isShort).toBe(went[index]?.isShort)
          expect(plain(summary)).toEqual(plain(went[index]?.summary))
        }
      }),
      { numRuns: 60 },
    )
  })
})

interface Came {
  readonly octets: Buffer
  readonly summary: MessageSummary
  readonly isShort: boolean
}

/** As the writer takes batches in, one after the other. */
function read(batches: readonly Batch[]): readonly Came[] {
  const parts = new Map<number, Uint8Array[]>()
  const came: Came[] = []
  for (const { buffer, steps } of batches) {
    const batch = new Uint8Array(buffer)
    for (const step of steps) {
      if (step[0] === 'octets') {
        const [, intake, start, end] = step
        parts.set(intake, [...(parts.get(intake) ?? []), batch.subarray(start, end)])
      } else if (step[0] === 'end') {
        const [, intake, isShort] = step
        const octets = Buffer.concat(parts.get(intake) ?? [])
        came.push({ octets, summary: unpackSummary(step, batch), isShort })
      }
    }
  }
  return came
}

/** With digests of one kind of array. */
function plain(summary: MessageSummary | undefined) {
  if (summary === undefined) return undefined
  const { digest, canonical, fingerprint } = summary
  const digests = [digest, canonical, fingerprint].map((octets) =>
    Buffer.from(octets).toString('hex'),
  )
  return { ...summary, digest: undefined, canonical: undefined, fingerprint: undefined, digests }
}
