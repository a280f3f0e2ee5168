/** The archives that the ledger contract holds for. */
import { renameSync } from 'node:fs'
import { catalogPath } from '../../src/archive/location.ts'
import { markRemoved } from '../../src/archive/maildir-reconcile.ts'
import { ThreadArchive } from '../../src/archive/thread-archive.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import type { LedgerUnderTest } from './ledger-under-test.ts'
import { startWriterHere, temporaryLocation } from './temp-archive.ts'

function inMemory(): LedgerUnderTest {
  const archive = new MemoryArchive()
  return {
    open: (identity) => archive.openAccount(identity),
    setNow: (now) => {
      archive.now = now
    },
    removeMessage: (message) => archive.removeMessage(message),
    moveAway: () => {
      archive.isInPlace = () => false
    },
  }
}

/** Each run opens it anew: what the next one sees was durable. */
function onDisk(kind: 'sqlite' | 'maildir'): LedgerUnderTest {
  const location = temporaryLocation(kind)
  let now = 0
  return {
    open: (identity) =>
      new ThreadArchive(location, () => startWriterHere(() => now)).openAccount(identity, {
        configured: new Set([identity.name]),
      }),
    setNow: (ms) => {
      now = ms
    },
    removeMessage: (message) => {
      const database = openDatabase(catalogPath(location), { isReadOnly: false })
      markRemoved(database, [message], true)
      database.close()
    },
    moveAway: () => renameSync(location.path, `${location.path}.moved`),
  }
}

export const archives: readonly { readonly name: string; readonly start: () => LedgerUnderTest }[] =
  [
    { name: 'memory', start: inMemory },
    { name: 'sqlite', start: () => onDisk('sqlite') },
    { name: 'maildir', start: () => onDisk('maildir') },
  ]
