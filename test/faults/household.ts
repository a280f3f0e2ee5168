/** The files of one case: what a run is given, what it leaves, and the search of it all. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type ArchiveKind, catalogPath, parseLocation } from '../../src/archive/location.ts'
import { openDatabase } from '../../src/sqlite/driver.ts'
import { digestsIn } from '../support/archive-content.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { IN_MEMORY, type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { filesBelow } from './canary.ts'
import type { Run } from './program.ts'

export interface ServerKey {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** The files that a run leaves, and those that it reads. */
export class Household {
  readonly #root: TemporaryFolder
  readonly #kind: ArchiveKind
  constructor(kind: ArchiveKind = 'sqlite') {
    this.#root = temporaryFolder('fault', IN_MEMORY)
    this.#kind = kind
    for (const name of ['home', 'archive', 'given']) mkdirSync(join(this.#root.path, name))
  }

  /** The owner's own files, where the secret may be. */
  given(name: string, text: string): string {
    const path = join(this.#root.path, 'given', name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }

  get archive(): string {
    return `${this.#kind}:${join(this.#root.path, 'archive', `mail.${this.#kind}`)}`
  }

  /** A server of a later run has another port; to the account it is the same one, as for most owners. */
  stayAt(port: number): void {
    const path = catalogPath(parseLocation(this.archive))
    if (!existsSync(path)) return
    const database = openDatabase(path, { isReadOnly: false })
    try {
      const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'account'").get()
      if (table !== undefined) database.exec(`UPDATE account SET port = ${port} WHERE port > 0`)
    } finally {
      database.close()
    }
  }

  get trace(): string {
    return join(this.#root.path, 'trace')
  }

  get environment(): Record<string, string> {
    return { HOME: join(this.#root.path, 'home'), PATH: process.env.PATH ?? '' }
  }

  /** All that was said or written; the given files excepted. */
  traces({ stdout, stderr }: Run): Map<string, string> {
    const given = join(this.#root.path, 'given')
    const files = [...filesBelow(this.#root.path)].filter(([place]) => !place.includes(given))
    return new Map([['stdout', stdout], ['stderr', stderr], ...files])
  }

  remove(): void {
    this.#root.remove()
  }
}

/** Digests of what the archive holds, sorted; none where there is no archive. */
export function storedIn({ archive }: Household): readonly string[] {
  return existsSync(archive.slice(archive.indexOf(':') + 1)) ? digestsIn(archive) : []
}

let made: { readonly folder: TemporaryFolder; readonly certificates: Certificates } | undefined
afterAll(() => made?.folder.remove())

/** The certificates of this file's tests, and what a server shows of them. */
export function serverCertificates(): {
  readonly certificates: Certificates
  readonly tls: ServerKey
} {
  if (!made) {
    const folder = temporaryFolder('faults')
    made = { folder, certificates: makeCertificates(folder.path) }
  }
  const { certificates } = made
  const tls = { cert: readFileSync(certificates.certificate), key: readFileSync(certificates.key) }
  return { certificates, tls }
}
