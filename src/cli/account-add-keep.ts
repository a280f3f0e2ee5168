/** Writes what `account add` gathered: the password to its place, then the config. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ConfigAddition } from '../accounts/config-text.ts'
import { addToConfig, type WriterOptions } from '../accounts/config-writer.ts'
import { SecretError } from '../accounts/errors.ts'
import { formatPassword } from '../accounts/kept-password.ts'
import { type Keyring, openKeyring } from '../accounts/keyring.ts'
import { createFolder, NewFile, publishFile, removeFile, syncFolder } from '../durable/files.ts'
import type { DraftLogin } from './account-add-draft.ts'
import type { GrantedAccess } from './login-run.ts'

export interface KeepOptions extends WriterOptions {
  /** What was granted to an account that logs in by OAuth; undefined where nobody could grant it. */
  readonly access?: Pick<GrantedAccess, 'keep' | 'remove'> | undefined
  readonly openKeyring?: typeof openKeyring | undefined
}

/**
 * Keeps password or grant first, so that no config ever names one that is not there; if the config cannot be written, they
 * are removed again. Throws SecretError for the keyring, ArchiveError for files, and what addToConfig throws.
 */
export async function keepAccount(
  addition: ConfigAddition,
  login: DraftLogin,
  options: KeepOptions,
): Promise<void> {
  const undo = await keepSecret(addition, login, options)
  try {
    addToConfig(addition, options)
  } catch (error) {
    await undo()
    throw error
  }
}

/** A name, without folder, that no file beside the config has: `work.password`. */
export function freshFileName(account: string, folder: string): string {
  const stem = account
    .replace(/[^A-Za-z0-9@._-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, 100)
  const isFree = (name: string): boolean => !existsSync(join(folder, name))
  const names = [`${stem}.password`]
  while (!isFree(names.at(-1) ?? '')) names.push(`${stem}-${names.length + 1}.password`)
  return names.at(-1) ?? ''
}

async function keepSecret(
  { name, account }: ConfigAddition,
  login: DraftLogin,
  { file, access, openKeyring: open = openKeyring }: KeepOptions,
): Promise<() => Promise<void> | void> {
  if (access !== undefined) {
    await access.keep()
    return () => access.remove()
  }
  if (login.type === 'fresh-file' && login.secret !== undefined) {
    const path = join(dirname(file), login.file)
    writePassword(path, login.secret)
    return () => removeFile(path)
  }
  if (login.type !== 'keyring' || login.secret === undefined) return () => undefined
  const keyring = await open('popkeep')
  if (keyring === undefined) throw new SecretError('there is no keyring here')
  const owner = { host: String(account.host), user: String(account.user) }
  return fillKeyring(keyring, name, formatPassword(owner, login.secret))
}

async function fillKeyring(
  keyring: Keyring,
  name: string,
  entry: string,
): Promise<() => Promise<void>> {
  try {
    // An account that is gone from the config may have left its password.
    const before = await keyring.get(name)
    await keyring.set(name, entry)
    return () => (before === undefined ? keyring.remove(name) : keyring.set(name, before))
  } catch (cause) {
    throw new SecretError(`the keyring does not take the password of ${name}`, { cause })
  }
}

function writePassword(path: string, secret: string): void {
  createFolder(dirname(path))
  const draft = new NewFile(`${path}.${process.pid}.tmp`)
  try {
    draft.write(Buffer.from(`${secret}\n`))
    draft.seal()
    if (publishFile(draft.path, path) === 'taken') {
      throw new SecretError(`there is a file ${path} already, and it is left as it is`)
    }
  } finally {
    draft.discard()
  }
  syncFolder(dirname(path))
}
