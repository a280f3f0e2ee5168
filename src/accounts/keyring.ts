/** The operating system's keyring: Keychain, Credential Manager, or the Secret Service of a Linux desktop. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KEYRING_MS } from './limits.ts'

/**
 * The service names under which entries stand. Passwords and grants differ in it, so that an account that changes from
 * one to the other never sends its refresh token as a password.
 */
export type KeyringService = 'popkeep' | 'popkeep-oauth'

/**
 * Entries of one service, each under the name of its account. Each call may wait for a person to unlock the keyring; after
 * KEYRING_MS it waits no longer, and `signal` ends it before.
 */
export interface Keyring {
  /** Undefined if there is none. */
  get(account: string, signal?: AbortSignal): Promise<string | undefined>
  /** Replaces what was there. */
  set(account: string, text: string, signal?: AbortSignal): Promise<void>
  /** Nothing happens if there is none. */
  remove(account: string, signal?: AbortSignal): Promise<void>
}

/**
 * Opens the keyring; loads its package (an optional dependency, some 20 ms) only then. Undefined where the package did not
 * install, where no keyring answers, or none that lasts: a Linux without desktop session has none. What the Keyring's
 * methods throw is the package's, and holds no secret.
 */
export async function openKeyring(
  service: KeyringService,
  load: () => Promise<KeyringPackage> = loadPackage,
  patienceMs = KEYRING_MS,
): Promise<Keyring | undefined> {
  let keyring: KeyringPackage
  try {
    keyring = await load()
    // Connects to the Secret Service, or throws.
    new keyring.AsyncEntry(service, 'popkeep', OPTIONS)
  } catch {
    return undefined
  }
  const entry = (account: string) => new keyring.AsyncEntry(service, account, OPTIONS)
  const within = <T>(call: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
    const patience = AbortSignal.timeout(patienceMs)
    return untilAborted(call, signal ? AbortSignal.any([signal, patience]) : patience)
  }
  return {
    async get(account, signal) {
      return (await within(entry(account).getPassword(), signal)) ?? undefined
    },
    async set(account, text, signal) {
      await within(entry(account).setPassword(text), signal)
    },
    async remove(account, signal) {
      await within(entry(account).deletePassword(), signal)
    },
  }
}

async function loadPackage(): Promise<KeyringPackage> {
  if (process.platform === 'linux' && !hasSessionBus(process.env)) {
    throw new Error('no session bus, so no Secret Service')
  }
  return await import('@napi-rs/keyring')
}

/**
 * Whether there is a D-Bus of a desktop session, at one of the two places where libdbus looks for it. The native package would
 * say so too, but a run of cron need not load it to hear that there is none.
 */
export function hasSessionBus(env: Readonly<Record<string, string | undefined>>): boolean {
  if (env.DBUS_SESSION_BUS_ADDRESS) return true
  const folder = env.XDG_RUNTIME_DIR || `/run/user/${process.getuid?.()}`
  return existsSync(join(folder, 'bus'))
}

/** The package's own signals end only what has not begun; so the wait is ended, not the question on the screen. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop)
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** What we use of @napi-rs/keyring; a test brings its own. */
export interface KeyringPackage {
  readonly AsyncEntry: new (
    service: string,
    account: string,
    options: typeof OPTIONS,
  ) => {
    getPassword(signal?: AbortSignal): Promise<string | null>
    setPassword(text: string): Promise<void>
    deletePassword(): Promise<boolean>
  }
}

// Without a Secret Service the package would fall back to the kernel's keyring, which forgets all at logout or reboot.
const OPTIONS = { linux: { store: 'secret-service' as LinuxStore } }

type LinuxStore = import('@napi-rs/keyring').LinuxStore
