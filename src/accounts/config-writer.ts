/** Writes the config file: whole, durably, and for nobody but its owner. */
import { lstatSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { createFolder, NewFile, replaceFile } from '../durable/files.ts'
import type { Account } from './account.ts'
import { parseConfig } from './config.ts'
import {
  type ConfigAddition,
  type ConfigSurroundings,
  hasOAuthTable,
  shownAddition,
  withAddition,
} from './config-text.ts'
import { ConfigError } from './errors.ts'

/** Where and for whom; the rest is for tests. */
export interface WriterOptions extends ConfigSurroundings {
  /** Called before each look whether the file is still as it was read. */
  readonly beforeReplacing?: (() => void) | undefined
}

/** How often a file that somebody else changes meanwhile is begun anew. */
const ATTEMPTS = 2

/**
 * Adds an account to the config file, which is created (0600, its folders 0700) if it is not there. What is there is
 * replaced by one rename, and has the mode 0600 afterwards; behind a symbolic link its target is replaced, and the link
 * stays. What somebody else writes meanwhile is kept: the addition is made again to what the file says then.
 *
 * Throws what withAddition throws, ConfigError (CONFIG_VALUE if the file keeps changing or is a link to nothing), and
 * ArchiveError if it cannot be written. In every case the file is as it was.
 */
export function addToConfig(addition: ConfigAddition, options: WriterOptions): void {
  const target = targetOf(options.file)
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = readText(target)
    const after = withAddition(before ?? '', addition, options)
    createFolder(dirname(target))
    if (replaceText(target, before, after, options)) return
  }
  const { file } = options
  throw new ConfigError('CONFIG_VALUE', `${file}: another program keeps changing it`, { file })
}

/**
 * What addToConfig would add, as far as it may be shown, and the account that would come of it; nothing is written. Throws
 * what addToConfig throws of the file and the addition.
 */
export function previewAddition(
  addition: ConfigAddition,
  options: ConfigSurroundings,
): { readonly text: string; readonly account: Account } {
  const { file, home, archiveFault } = options
  const before = readText(targetOf(file)) ?? ''
  const { accounts } = parseConfig(
    withAddition(before, addition, options),
    file,
    home,
    archiveFault,
  )
  const account = accounts.find(({ name }) => name === addition.name)
  if (account === undefined) throw new Error(`the account ${addition.name} does not read back`)
  return { text: shownAddition(before, addition), account }
}

/** Whether the config file, which is right, has a table [oauth.NAME]. */
export function configHasOAuthTable(file: string, name: string): boolean {
  return hasOAuthTable(readText(targetOf(file)) ?? '', name)
}

/** The file itself, or what its symbolic link leads to: people link their dotfiles. */
function targetOf(file: string): string {
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (!found?.isSymbolicLink()) return file
  try {
    return realpathSync(file)
  } catch (cause) {
    const message = `${file}: it is a symbolic link to a file that is not there`
    throw new ConfigError('CONFIG_NOT_FOUND', message, { file }, { cause })
  }
}

/** Undefined if there is no file. */
function readText(file: string): string | undefined {
  try {
    // Strictly: what is no UTF-8 would be written back as something else.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(file))
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    const reason = cause instanceof Error ? cause.message : String(cause)
    const message = `the config file ${file} cannot be read: ${reason}`
    throw new ConfigError('CONFIG_NOT_FOUND', message, { file }, { cause })
  }
}

/** False, and nothing changed, if the file is no longer as it was read. */
function replaceText(
  target: string,
  before: string | undefined,
  after: string,
  { beforeReplacing }: WriterOptions,
): boolean {
  const draft = new NewFile(join(dirname(target), `.popkeep-${process.pid}-${Date.now()}.tmp`))
  let isReplaced = false
  try {
    draft.write(Buffer.from(after))
    draft.seal()
    beforeReplacing?.()
    if (readText(target) !== before) return false
    replaceFile(draft.path, target)
    isReplaced = true
    return true
  } finally {
    if (!isReplaced) draft.discard()
  }
}
