/** What must hold after a fault, and after the next run that meets none. The archive is read without the code that wrote it. */
import { cpSync, existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { digestsIn, query } from '../support/archive-content.ts'
import { temporaryFolder } from '../support/temp.ts'
import type { Maildrop } from './maildrop.ts'

/** Where the archive of one experiment lives; its locks and journals lie beside it. */
export interface Place {
  readonly kind: 'sqlite' | 'maildir'
  /** Holds nothing else. */
  readonly folder: string
}

/** As the command line has it. */
export function archiveOf({ kind, folder }: Place): string {
  return `${kind}:${join(folder, 'mail')}`
}

/**
 * The digests of what the archive holds, read from a copy: reading plays journals back, and the next run is to find the
 * place as the fault left it. Throws if anything visible is partial.
 */
export function heldIn(place: Place): readonly string[] {
  const copy = temporaryFolder('copy')
  try {
    cpSync(place.folder, copy.path, { recursive: true })
    return place.kind === 'sqlite' ? heldInSqlite(copy.path) : heldInMaildir(copy.path)
  } finally {
    copy.remove()
  }
}

function heldInSqlite(folder: string): readonly string[] {
  const path = join(folder, 'mail')
  if (!existsSync(path)) return []
  const database = openDatabase(path, { isReadOnly: false })
  try {
    const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'content'").all()
    if (tables.length === 0) return []
  } finally {
    database.close()
  }
  return digestsIn(`sqlite:${path}`)
}

/** By the names and octets of its files alone. */
function heldInMaildir(folder: string): readonly string[] {
  const path = join(folder, 'mail')
  if (!['new', 'cur'].every((name) => existsSync(join(path, name)))) return []
  return digestsIn(`maildir:${path}`)
}

/** Violations of "for every DELE on the wire the octets are in the archive". */
export function lostMail(place: Place, maildrop: Maildrop): readonly string[] {
  const held = new Set(heldIn(place))
  const lost = maildrop.deles.filter(({ digest }) => !held.has(digest))
  return lost.map(({ digest }) => `DELE of ${digest}, which the archive does not have`)
}

/** What is not as it must be after a run without a fault: each letter once, and nothing left lying about. */
export function unsettled(place: Place, maildrop: Maildrop, mode: 'keep' | 'delete'): string[] {
  const problems: string[] = []
  const wanted = maildrop.letters.map(({ digest }) => digest).sort()
  const held = heldIn(place)
  if (held.join() !== wanted.join()) problems.push(`it holds ${held.length} of ${wanted.length}`)
  const left = mode === 'delete' ? 0 : maildrop.letters.length
  if (maildrop.left.length !== left) problems.push(`the server has ${maildrop.left.length}`)
  if (mode === 'keep' && maildrop.deles.length > 0) problems.push('DELE though all was to be kept')
  return [...problems, ...leftovers(place)]
}

function leftovers(place: Place): readonly string[] {
  const beside = readdirSync(place.folder).filter((name) => !['mail', 'mail.locks'].includes(name))
  if (place.kind === 'maildir') {
    const root = join(place.folder, 'mail')
    const ours = ['tmp', 'new', 'cur', 'popkeep.sqlite']
    beside.push(...readdirSync(root).filter((name) => !ours.includes(name)))
    beside.push(...readdirSync(join(root, 'tmp')))
  } else {
    const staged = query(archiveOf(place), 'SELECT count(DISTINCT series) AS n FROM piece')[0]?.n
    const attached = query(archiveOf(place), 'SELECT count(series) AS n FROM content')[0]?.n
    if (staged !== attached) beside.push(`${staged} series of pieces for ${attached} messages`)
  }
  return beside.map((name) => `left lying about: ${name}`)
}

/** Mode bits of the files that hold mail: nobody else may read them, whatever was interrupted. */
export function readableByOthers({ folder }: Place): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => (statSync(join(folder, name)).mode & 0o077) !== 0,
  )
}
