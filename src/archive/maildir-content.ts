/**
 * Content in a Maildir that mail programs read too. Write order: tmp/ written whole and fsynced, a link in new/ for each
 * message of the group, one fsync of new/, tmp/ unlinked. The catalog's commit comes after that.
 */
import fs from 'node:fs'
import { join } from 'node:path'
import { asArchiveError } from '../durable/errors.ts'
import {
  createFolder,
  type FileCalls,
  NewFile,
  publishFile,
  removeFile,
  syncFolder,
} from '../durable/files.ts'
import type { Syncs } from '../durable/syncs.ts'
import type { ContentStore, Draft } from './content.ts'
import { MaildirDraft } from './maildir-draft.ts'
import { MaildirFiles } from './maildir-files.ts'
import {
  createNamer,
  isOurTemporary,
  type Namer,
  type NameSources,
  nameWithDigest,
} from './maildir-name.ts'
import { FolderTimes } from './maildir-times.ts'
import { Slabs } from './slabs.ts'

export interface MaildirDependencies {
  readonly names: NameSources
  /** The calls of node:fs that write, so that a test can let one fail. */
  readonly calls?: FileCalls
  /** With it, drafts are sealed while their writer goes on. */
  readonly syncs?: Syncs | undefined
}

/** A ContentStore over files; reconciling needs to know which there are. */
export interface MaildirContent extends ContentStore {
  readonly files: MaildirFiles
  readonly times: FolderTimes
  /** Where others may be writing: with `before` (ms since the epoch), only what was last written earlier. */
  sweep(before?: number): void
}

/** Creates root, tmp/, new/ and cur/ (0700) where they are missing; their parents are synced. */
export function createMaildir(root: string, calls?: FileCalls): void {
  for (const folder of ['tmp', 'new', 'cur']) createFolder(join(root, folder), calls)
}

/** The content of an existing Maildir. Opening reads and creates nothing; see `createMaildir`. */
export function openMaildirContent(root: string, deps: MaildirDependencies): MaildirContent {
  const files = new MaildirFiles(root)
  const times = new FolderTimes(root)
  const { calls = fs, syncs } = deps
  const nextName = createNamer(deps.names)
  const createFile = () => new NewFile(join(root, 'tmp', nextName()), calls)
  const slabs = new Slabs()
  return {
    files,
    times,
    syncs,
    draft: () => new MaildirDraft(createFile, slabs.room(), syncs),
    publish: (drafts) => times.ours(() => publish({ root, files, calls, nextName }, drafts)),
    attach: () => undefined,
    has: (message) => files.has(message),
    read: (message) => files.read(message),
    forget: () => undefined,
    sweep: (before) => sweep(join(root, 'tmp'), before, calls),
  }
}

interface Publishing {
  readonly root: string
  readonly files: MaildirFiles
  readonly calls: FileCalls
  readonly nextName: Namer
}

function publish(to: Publishing, drafts: readonly Draft[]): void {
  if (drafts.length === 0) return
  const folder = join(to.root, 'new')
  const sealed = drafts.map((draft) => {
    if (!(draft instanceof MaildirDraft)) throw new TypeError('a draft of another archive')
    return draft.sealed
  })
  const added = sealed.map(({ digest, path }) => {
    for (;;) {
      const name = nameWithDigest(to.nextName(), digest)
      const published = publishFile(path, join(folder, name), to.calls)
      if (published !== 'taken') return { digest, name, path, published }
    }
  })
  syncFolder(folder, to.calls)
  for (const { digest, name, path, published } of added) {
    if (published === 'linked') removeFile(path, to.calls)
    to.files.added(digest, name)
  }
}

/** Removes what this program left in tmp/. Files of others stay: they may be writing them. */
function sweep(tmp: string, before: number | undefined, calls: FileCalls): void {
  try {
    for (const entry of fs.readdirSync(tmp, { withFileTypes: true })) {
      if (!entry.isFile() || !isOurTemporary(entry.name)) continue
      const path = join(tmp, entry.name)
      if (before === undefined || isOlder(path, before)) removeFile(path, calls)
    }
  } catch (error) {
    throw asArchiveError(error, tmp, 'write')
  }
}

function isOlder(path: string, before: number): boolean {
  const found = fs.lstatSync(path, { throwIfNoEntry: false })
  return found !== undefined && found.mtimeMs < before
}
