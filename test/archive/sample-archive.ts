/** Archives with known messages and receipts, made by the same calls as a sync makes them. */
import { AccountTable } from '../../src/archive/accounts.ts'
import type { Draft } from '../../src/archive/content.ts'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { MessageTable } from '../../src/archive/messages.ts'
import { openForWriting, type WritableArchive } from '../../src/archive/open.ts'
import { ReceiptTable } from '../../src/archive/receipts.ts'
import { RunTable } from '../../src/archive/runs.ts'
import { createMessageDigester } from '../../src/message/digest.ts'
import { factsOfLines } from '../../src/message/facts.ts'

const AT = '2026-01-02T03:04:05.678Z'

export const counts = { listed: 1, retrieved: 1, stored: 1, octets: 1, deleted: 0, failed: 0 }

export const octetsOf = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

/** A small message; `n` tells it from others and gives it a date. */
export function sampleMessage(n: number, body = `body ${n}\r\n`): Uint8Array {
  const date = new Date(Date.UTC(2020, 0, 1) + n * 60_000).toUTCString().replace('GMT', '+0000')
  return octetsOf(
    `Return-Path: <sender${n}@example.org>\r\nFrom: Sender <sender${n}@example.org>\r\nTo: you@example.org\r\n` +
      `Subject: message ${n}\r\nMessage-ID: <${n}@example.org>\r\nDate: ${date}\r\n\r\n${body}`,
  )
}

export interface Sample {
  readonly octets: Uint8Array
  readonly uniqueId?: string | undefined
  /** 'work' if unsaid. */
  readonly account?: string
}

/** Puts messages with their receipts into an archive, made if need be. Returns the digests in hex, in order. */
export function fillArchive(location: ArchiveLocation, samples: readonly Sample[]): string[] {
  return useArchive(location, ({ database, content }) => {
    const accounts = new AccountTable(database)
    const messages = new MessageTable(database)
    const receipts = new ReceiptTable(database)
    const runs = new RunTable(database)
    const drafts = new Map<string, Draft>()
    const digested = samples.map((sample) => {
      const digester = createMessageDigester()
      digester.write(sample.octets)
      const digests = digester.end()
      const hex = Buffer.from(digests.digest).toString('hex')
      if (messages.find(digests.digest) === undefined && !drafts.has(hex)) {
        const draft = content.draft()
        draft.write(sample.octets)
        draft.seal(digests.digest)
        drafts.set(hex, draft)
      }
      return { ...sample, digests, hex }
    })
    content.publish([...drafts.values()])
    database.transaction(() => {
      for (const { digests, hex, octets, uniqueId, account: name = 'work' } of digested) {
        const account =
          accounts.find(name) ?? accounts.insert({ name, host: `${name}.example.org`, user: 'me' })
        const started =
          Date.parse(AT) + Number(database.prepare('SELECT count(*) AS n FROM run').get()?.n)
        const run = runs.begin(account.id, new Date(started).toISOString())
        const facts = factsOfLines(digests.lines)
        const fresh = messages.insert({ ...digests, facts, archivedAt: AT })
        const id = fresh ?? messages.find(digests.digest)?.id ?? 0
        const draft = drafts.get(hex)
        if (fresh !== undefined && draft) content.attach(database, id, draft)
        const key = { uniqueId, occurrence: 1, octets: octets.length }
        receipts.bind(account, { key, message: id, by: 'digest', at: AT, run }, new Set())
        runs.end(run, counts, 'done', AT)
      }
    })
    return digested.map(({ hex }) => hex)
  })
}

export function useArchive<T>(location: ArchiveLocation, use: (archive: WritableArchive) => T): T {
  const archive = openForWriting(location)
  try {
    return use(archive)
  } finally {
    archive.close()
  }
}
