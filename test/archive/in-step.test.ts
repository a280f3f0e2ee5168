/** No receipt is durable before it was said that its message is that of its row: a kill leaves none that may be wrong. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import type { ThreadLedger } from '../../src/archive/thread-archive.ts'
import {
  keyOf,
  mail,
  noCounts,
  octetsOf,
  openHere,
  query,
  receive,
  sync,
  temporaryFolder,
  temporaryLocation,
  work,
} from './temp-archive.ts'

const open = (location: ArchiveLocation): Promise<ThreadLedger> =>
  openHere(location).openAccount(work, { configured: new Set(['work']) })

/** Whatever is written next commits what waits. */
const commit = (ledger: ThreadLedger) => ledger.learn({ lastMisled: true })

/** What a kill at this moment leaves. */
function copyOf({ kind, path }: ArchiveLocation): ArchiveLocation {
  const folder = temporaryFolder()
  cpSync(join(path, '..'), folder, { recursive: true })
  return { kind, path: join(folder, 'mail') }
}

const messagesOf = (location: ArchiveLocation) => query(location, 'SELECT id FROM message').length

const namesOf = (location: ArchiveLocation) =>
  query(location, 'SELECT unique_id AS name FROM receipt ORDER BY id').map(({ name }) => name)

describe.each(['sqlite', 'maildir'] as const)('a message of a %s archive', (kind) => {
  it('has no receipt before the session was in step, whatever is committed', async () => {
    const location = temporaryLocation(kind)
    const ledger = await open(location)
    const stored = ['a', 'b'].map((name) => receive(ledger, keyOf(name), mail(name)))
    await commit(ledger)
    const before = copyOf(location)
    ledger.inStep()
    stored.push(receive(ledger, keyOf('c'), mail('c')))
    await commit(ledger)
    const behind = copyOf(location)
    await ledger.finish(noCounts, 'done')
    const [, b, c] = await Promise.all(stored)
    expect([messagesOf(before), namesOf(before)]).toEqual([2, []])
    expect([messagesOf(behind), namesOf(behind)]).toEqual([3, ['a', 'b']])
    expect(b).toMatchObject({ receipt: 2, isNew: true })
    expect(c).toMatchObject({ receipt: undefined, isNew: true })
    expect(namesOf(location)).toEqual(['a', 'b'])
  })

  it('is bound by its digest when it comes again, after a kill too', async () => {
    const location = temporaryLocation(kind)
    const ledger = await open(location)
    // One reply too few: each message stands in its neighbour's place.
    const shifted = [receive(ledger, keyOf('a'), mail('b')), receive(ledger, keyOf('b'), mail('c'))]
    await commit(ledger)
    const killed = copyOf(location)
    await ledger.finish(noCounts, 'POP3_OUT_OF_STEP')
    await Promise.all(shifted)
    for (const place of [location, killed]) {
      const again = await sync(place, async (next) => {
        expect((await next.receipts()).all).toEqual([])
        const all = ['a', 'b', 'c'].map((name) => receive(next, keyOf(name), mail(name)))
        next.inStep()
        await next.flush()
        return Promise.all(all)
      })
      expect(again.map(({ isNew }) => isNew)).toEqual([true, false, false])
      expect(messagesOf(place)).toBe(3)
    }
  })

  it('leaves a row as it was that could not be retrieved before', async () => {
    const location = temporaryLocation(kind)
    await sync(location, (ledger) => ledger.quarantine(keyOf('a', 7), 'no such message'))
    await sync(location, async (ledger) => {
      void receive(ledger, keyOf('a', 7), mail('one'))
      await ledger.flush()
    })
    const [receipt] = await sync(location, async (ledger) => (await ledger.receipts()).all)
    expect(receipt).toMatchObject({ state: 'quarantined', attempts: 1, message: undefined })
  })

  it('is recognised by its canonical digest in a further session of the run', async () => {
    const location = temporaryLocation(kind)
    const copy = octetsOf(`X-UIDL: 7\r\n${Buffer.from(mail('one')).toString('latin1')}`)
    await sync(location, async (ledger) => {
      const first = receive(ledger, keyOf('a'), mail('one'))
      await ledger.flush()
      const second = receive(ledger, keyOf('a'), copy)
      ledger.inStep()
      await ledger.flush()
      const { message } = await first
      expect(await second).toMatchObject({ message, isNew: false, boundBy: 'canonical' })
      const twin = receive(
        ledger,
        keyOf('b'),
        octetsOf(`X-UIDL: 8\r\n${Buffer.from(mail('one')).toString('latin1')}`),
      )
      ledger.inStep()
      await ledger.flush()
      expect(await twin).toMatchObject({ isNew: true })
    })
  })

  it('counts for its own account only', async () => {
    const location = temporaryLocation(kind)
    const archive = openHere(location)
    const configured = new Set(['work', 'home'])
    const ledger = await archive.openAccount(work, { configured })
    const home = await archive.openAccount({ ...work, name: 'home', user: 'x' }, { configured })
    const mine = receive(ledger, keyOf('mine'), mail('one'))
    const theirs = receive(home, keyOf('theirs'), mail('two'))
    home.inStep()
    await home.flush()
    expect((await theirs).receipt).toBeDefined()
    expect(namesOf(location)).toEqual(['theirs'])
    ledger.inStep()
    await ledger.finish(noCounts, 'done')
    expect((await mine).receipt).toBeDefined()
    await home.finish(noCounts, 'done')
  })
})
