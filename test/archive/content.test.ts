import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { openForWriting, type WritableArchive } from '../../src/archive/open.ts'
import { describeContentStore, type StoreUnderTest } from './content-contract.ts'
import { temporaryLocation } from './temp-archive.ts'

const opened: WritableArchive[] = []
afterEach(() => {
  for (const archive of opened.splice(0)) archive.close()
})

function open(location: ArchiveLocation): StoreUnderTest {
  const archive = openForWriting(location)
  archive.share()
  opened.push(archive)
  const { database, content } = archive
  return {
    database,
    content,
    reopen: () => open(location),
    next: () => {
      opened.splice(opened.indexOf(archive), 1)
      archive.close()
      return open(location)
    },
    staged: () =>
      location.kind === 'maildir'
        ? readdirSync(join(location.path, 'tmp')).length
        : Number(
            database
              .prepare(
                `SELECT count(*) AS n FROM piece WHERE series NOT IN
                   (SELECT series FROM content WHERE series IS NOT NULL)`,
              )
              .get()?.n,
          ),
  }
}

describeContentStore('a sqlite archive', () => open(temporaryLocation('sqlite')))
describeContentStore('a Maildir', () => open(temporaryLocation('maildir')))
