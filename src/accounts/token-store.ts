/** Where the tokens of an account are kept: a private file, or the keyring. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createFolder, NewFile, removeFile, replaceFile, syncFolder } from '../durable/files.ts'
import { Lock } from '../durable/lock.ts'
import { AuthorizationError, SecretError } from './errors.ts'
import { type Keyring, openKeyring } from './keyring.ts'
import { MAX_SECRET_OCTETS, TOKEN_LOCK_MS, TOKEN_LOCK_RETRY_MS } from './limits.ts'
import {
  formatStored,
  type Grant,
  type GrantOwner,
  parseStored,
  type Stored,
} from './oauth-grant.ts'
import { readPrivateFile } from './private-file.ts'
import { stateFolder } from './state-folder.ts'

/** The tokens of one account. */
export interface TokenStore {
  /** Where they are, for a person. */
  readonly place: string
  /** Throws SecretError if others can read the file, or it or the keyring cannot be read. */
  read(signal: AbortSignal): Promise<Stored>
  /** Whole and durable once it resolves. Only under the lock. Throws SecretError, or ArchiveError for the file. */
  write(grant: Grant): Promise<void>
  /**
   * The same in two steps, for a grant that exists only once it was asked for: this proves that it can be kept, and takes the
   * room for it. Only under the lock, until it was discarded. Throws what `write` throws.
   */
  draft(): Promise<GrantDraft>
  /** Returns whether there was something. Only under the lock. */
  remove(): Promise<boolean>
  /**
   * Does `work` while no other run and no other call does. Waits for its turn: throws AuthorizationError
   * (OAUTH_TEMPORARY) after a minute, and the signal's reason.
   */
  locked<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** The place of a grant that is not there yet. */
export interface GrantDraft {
  write(grant: Grant): Promise<void>
  /** Gives the room back. Nothing happens after a write. */
  discard(): void
}

/** What a store has of the process it runs in. */
export interface StoreSurroundings {
  /** HOME and XDG_STATE_HOME say where the files are. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly openKeyring?: typeof openKeyring | undefined
  readonly lockPatienceMs?: number | undefined
}

/** What a person chose in the config. */
export type TokenStorage = 'file' | 'keyring'

/** Throws SecretError if the keyring is asked for and there is none. Reads and creates nothing yet. */
export async function openTokenStore(
  owner: GrantOwner,
  storage: TokenStorage,
  surroundings: StoreSurroundings,
): Promise<TokenStore> {
  const path = tokenFile(owner.account, surroundings.env)
  const slot =
    storage === 'file'
      ? fileSlot(path)
      : keyringSlot(owner.account, await requireKeyring(surroundings.openKeyring ?? openKeyring))
  const patienceMs = surroundings.lockPatienceMs ?? TOKEN_LOCK_MS
  return {
    place: slot.place,
    async read(signal) {
      const text = await slot.read(signal)
      return text === undefined ? { state: 'none' } : parseStored(text, owner)
    },
    async write(grant) {
      await (await slot.draft()).write(formatStored(grant, owner))
    },
    async draft() {
      const draft = await slot.draft()
      return { ...draft, write: (grant) => draft.write(formatStored(grant, owner)) }
    },
    remove: () => slot.remove(),
    locked: (signal, work) => underLock(`${path}.lock`, patienceMs, signal, work),
  }
}

/**
 * The file of an account, in `popkeep/tokens` below $XDG_STATE_HOME, or below `~/.local/state` if that is unset or not
 * absolute. It is named by what a person recognises of the account's name and by the name's digest: names may hold
 * anything, and file systems may not tell `Work` from `work`.
 */
export function tokenFile(account: string, env: StoreSurroundings['env']): string {
  const folder = join(stateFolder(env), 'tokens')
  const readable = account.toLowerCase().replaceAll(/[^a-z0-9@_-]+/g, '_')
  const digest = createHash('sha256').update(account).digest('hex')
  return join(folder, `${readable.slice(0, 40)}-${digest.slice(0, 16)}.json`)
}

interface Slot {
  readonly place: string
  read(signal: AbortSignal): Promise<string | undefined>
  draft(): Promise<SlotDraft>
  remove(): Promise<boolean>
}

interface SlotDraft {
  write(text: string): Promise<void>
  discard(): void
}

function fileSlot(path: string): Slot {
  const temporary = `${path}.new`
  return {
    place: path,
    read: () => readIfThere(path),
    async draft() {
      createFolder(dirname(path))
      // What a kill left behind: the lock says that nobody is writing it.
      removeFile(temporary)
      const file = new NewFile(temporary)
      const orDiscard = (act: () => void): void => {
        try {
          act()
        } catch (error) {
          file.discard()
          throw error
        }
      }
      orDiscard(() => file.reserve(MAX_SECRET_OCTETS))
      return {
        async write(text) {
          orDiscard(() => {
            file.write(Buffer.from(text))
            file.seal()
            replaceFile(temporary, path)
          })
        },
        discard: () => file.discard(),
      }
    },
    async remove() {
      const isThere = existsSync(path)
      removeFile(temporary)
      removeFile(path)
      if (isThere) syncFolder(dirname(path))
      return isThere
    },
  }
}

/** Undefined if there is no such file. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readPrivateFile(path, { what: 'token file' })
  } catch (error) {
    if (error instanceof SecretError && codeOf(error.cause) === 'ENOENT') return undefined
    throw error
  }
}

async function requireKeyring(opener: typeof openKeyring): Promise<Keyring> {
  const keyring = await opener('popkeep-oauth')
  if (keyring !== undefined) return keyring
  throw new SecretError(
    'there is no keyring here; without keyring = true in the config, tokens are kept in a private file',
  )
}

function keyringSlot(account: string, keyring: Keyring): Slot {
  const attempt = async <T>(what: string, act: () => Promise<T>): Promise<T> => {
    try {
      return await act()
    } catch (cause) {
      throw new SecretError(`the keyring does not ${what} the tokens of ${account}`, { cause })
    }
  }
  return {
    place: 'the keyring',
    async read(signal) {
      return await attempt('give', () => keyring.get(account, signal)).catch((error: unknown) => {
        signal.throwIfAborted()
        throw error
      })
    },
    async draft() {
      await attempt('take', async () => {
        const text = await keyring.get(account)
        await keyring.set(account, text ?? 'nothing yet')
        if (text === undefined) await keyring.remove(account)
      })
      return {
        write: (text) => attempt('take', () => keyring.set(account, text)),
        discard: () => undefined,
      }
    },
    remove: () =>
      attempt('remove', async () => {
        const isThere = (await keyring.get(account)) !== undefined
        await keyring.remove(account)
        return isThere
      }),
  }
}

/** Asked again and again, since waiting inside SQLite would stop the sockets of all other accounts. */
async function underLock<T>(
  path: string,
  patienceMs: number,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const lock = new Lock(path)
  try {
    for (let waited = 0; !lock.tryExclusive(); waited += TOKEN_LOCK_RETRY_MS) {
      if (waited >= patienceMs) {
        const message = 'another run has been renewing the tokens of this account for too long'
        throw new AuthorizationError('OAUTH_TEMPORARY', message)
      }
      await setTimeout(TOKEN_LOCK_RETRY_MS, undefined, { signal }).catch(() => undefined)
      signal.throwIfAborted()
    }
    return await work()
  } finally {
    lock.close()
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
