import { describe, expect, it } from 'vitest'
import type { FromWriter, IntakeStep, ToWriter } from '../../src/archive/channel.ts'
import { DIGESTS_OCTETS, packSummary } from '../../src/archive/channel.ts'
import { WriterService } from '../../src/archive/writer-service.ts'
import { createMessageSummarizer } from '../../src/message/summary.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { pragma } from '../../src/sqlite/pragmas.ts'
import { mail, temporaryLocation, work } from './temp-archive.ts'

/** A writer in this thread, whose timers never ring. */
function start() {
  const heard: FromWriter[] = []
  let wake: () => void = () => undefined
  let take: (message: ToWriter) => void = () => undefined
  new WriterService(
    {
      send: (message) => {
        heard.push(message)
        wake()
      },
      receive: (hear) => {
        take = hear
      },
    },
    { now: () => 0, startTimer: () => () => undefined },
  )
  const answered = async (message: ToWriter, type: FromWriter['type']) => {
    const before = heard.length
    take(message)
    while (!heard.slice(before).some((one) => one.type === type)) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  let id = 0
  return {
    ask: (method: string, account: string, ...parameters: readonly unknown[]) => {
      id += 1
      return answered({ type: 'request', id, method, account, parameters }, 'reply')
    },
    give: (names: readonly string[]) => answered(batchOf(names), 'taken'),
  }
}

function batchOf(names: readonly string[]): ToWriter {
  const batch = new Uint8Array(64 * 1024)
  const steps: IntakeStep[] = []
  let end = 0
  names.forEach((name, intake) => {
    const octets = mail(name)
    const summarizer = createMessageSummarizer()
    summarizer.write(octets)
    batch.set(octets, end)
    const octetsEnd = end + octets.byteLength
    const summary = packSummary(summarizer.end(), batch, octetsEnd)
    steps.push(
      ['begin', intake, work.name, name, 1, octets.byteLength, true],
      ['octets', intake, end, octetsEnd],
      ['end', intake, false, ...summary],
    )
    end = octetsEnd + DIGESTS_OCTETS
  })
  return { type: 'batch', buffer: batch.buffer, octets: end, steps }
}

describe('a batch', () => {
  it('leaves no lock by which others could not end a checkpoint', async () => {
    const location = temporaryLocation('sqlite')
    const writer = start()
    await writer.ask('open', '', location)
    await writer.ask('openAccount', '', work, new Set([work.name]))
    await writer.give(['a', 'b', 'a'])
    const other = openDatabase(location.path, { isReadOnly: false })
    // Two messages wait for their commit; the account and its run are there.
    other.exec('UPDATE account SET last_misled = 0')
    expect(pragma(other, 'wal_checkpoint(TRUNCATE)')).toBe(0)
    other.close()
    await writer.ask('close', '')
  })
})
