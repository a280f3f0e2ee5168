/** Reads archives without the code that wrote them: by SQL on the documented tables, and by the files of a Maildir. */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/sqlite/driver.ts'

/** The digests (hex, sorted) of the octets that an archive really holds, once for each time it holds them. */
export function digestsIn(archive: string): readonly string[] {
  const [kind, path] = [
    archive.slice(0, archive.indexOf(':')),
    archive.slice(archive.indexOf(':') + 1),
  ]
  return (kind === 'sqlite' ? contentRows(path) : maildirFiles(path)).sort()
}

/** Rows of a catalog's query. The state file of a Maildir is a catalog, too. */
export function query(archive: string, sql: string) {
  const path = archive.slice(archive.indexOf(':') + 1)
  const file = archive.startsWith('maildir:') ? join(path, 'popkeep.sqlite') : path
  const database = openDatabase(file, { isReadOnly: true })
  try {
    return database.prepare(sql).all()
  } finally {
    database.close()
  }
}

function contentRows(path: string): string[] {
  const database = openDatabase(path, { isReadOnly: true })
  try {
    const pieces = database.prepare('SELECT octets FROM piece WHERE series = ? ORDER BY position')
    const rows = database
      .prepare(`SELECT content.octets, series, lower(hex(digest)) AS digest
                FROM content JOIN message ON message.id = content.message WHERE codec = 'plain'`)
      .all()
    return rows.map((row) => {
      const hash = createHash('sha256')
      if (row.octets instanceof Uint8Array) hash.update(row.octets)
      for (const piece of row.series === null ? [] : pieces.iterate(row.series ?? null)) {
        hash.update(piece.octets as Uint8Array)
      }
      return expectDigest(hash.digest('hex'), row.digest)
    })
  } finally {
    database.close()
  }
}

function maildirFiles(path: string): string[] {
  const names = ['new', 'cur'].flatMap((folder) =>
    readdirSync(join(path, folder)).map((name) => join(path, folder, name)),
  )
  return names.map((name) => {
    const named = /,D=([0-9a-f]{64})(?:[:,]|$)/.exec(name)?.[1]
    const asItIs = createHash('sha256')
    const withCr = createHash('sha256')
    for (const chunk of chunksOf(name)) {
      asItIs.update(chunk)
      withCr.update(chunk.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')
    }
    const found = asItIs.digest('hex')
    return found === named ? found : expectDigest(withCr.digest('hex'), named)
  })
}

/** In pieces, since no string can hold a file of 1 GiB. */
function* chunksOf(path: string): Generator<Buffer> {
  const descriptor = openSync(path, 'r')
  const buffer = Buffer.alloc(2 ** 20)
  try {
    for (;;) {
      const octets = readSync(descriptor, buffer)
      if (octets === 0) return
      yield buffer.subarray(0, octets)
    }
  } finally {
    closeSync(descriptor)
  }
}

function expectDigest(found: string, named: unknown): string {
  if (found !== named) throw new Error(`the octets of ${String(named)} hash to ${found}`)
  return found
}
