/** Where an account's password comes from: a file, a command, the keyring, the environment, or a person at a terminal. */
import { SecretError } from './errors.ts'
import { type KeptPassword, type PasswordOwner, parsePassword } from './kept-password.ts'
import type { Keyring } from './keyring.ts'
import { PASSWORD_COMMAND_MS } from './limits.ts'
import { loginCommand } from './login-command.ts'
import { readPrivateFile } from './private-file.ts'
import { Secret } from './secret.ts'
import { runSecretCommand } from './secret-command.ts'

export type SecretSource =
  | { readonly type: 'file'; readonly path: string }
  /** An array is run as it is; a string is given to the shell. */
  | { readonly type: 'command'; readonly command: string | readonly string[] }
  /** The entry of the account in the operating system's keyring. */
  | { readonly type: 'keyring' }

/** What the world offers besides the account's own source. */
export interface SecretSurroundings {
  /** That of the operating system (see openKeyring); undefined where none is to be asked. */
  readonly openKeyring?: (() => Promise<Keyring | undefined>) | undefined
  /** The value of POPKEEP_PASSWORD, if it may serve this account. */
  readonly environment?: string | undefined
  /** Asks a person without echo; undefined where nobody can be asked. */
  readonly prompt?: ((question: string) => Promise<string>) | undefined
  /** $CREDENTIALS_DIRECTORY of systemd: files in it are private, whatever their mode says. */
  readonly credentialsDirectory?: string | undefined
  /** Ends a command that asks, and the wait for a keyring to be unlocked. */
  readonly signal?: AbortSignal | undefined
}

interface NamedAccount extends PasswordOwner {
  readonly name: string
  readonly secret: SecretSource | undefined
}

/**
 * Gets the password of an account from the first source that is there: the account's own, keyring, environment,
 * prompt. A source that is there but fails is an error; the next one is not tried. Only a keyring that the account did not
 * ask for is passed over in silence where there is none, where it stays locked, or where it has no entry that was kept for
 * this host and user: names of accounts are easily had.
 *
 * Throws SecretError (SECRET_UNAVAILABLE), which never holds the secret, and the reason of `signal`.
 */
export async function obtainSecret(
  account: NamedAccount,
  surroundings: SecretSurroundings,
): Promise<Secret> {
  surroundings.signal?.throwIfAborted()
  const source = account.secret
  switch (source?.type) {
    case 'file': {
      const { credentialsDirectory } = surroundings
      const options = { what: 'password file', credentialsDirectory, firstLine: true }
      const text = await readPrivateFile(source.path, options)
      return secretFrom(text, `the password file ${source.path}`)
    }
    case 'command': {
      const { signal } = surroundings
      const options = { what: 'password command', timeoutMs: PASSWORD_COMMAND_MS, signal }
      const text = await runSecretCommand(source.command, options)
      return secretFrom(text, 'what the password command printed')
    }
    case 'keyring':
      return await secretOfKeyring(account, surroundings)
    case undefined:
      return await secretOfSurroundings(account, surroundings)
  }
}

async function secretOfKeyring(
  account: NamedAccount,
  surroundings: SecretSurroundings,
): Promise<Secret> {
  const { name } = account
  const found = await askKeyring(account, surroundings)
  switch (found.type) {
    case 'own':
    case 'unbound':
      // The config names the host, so what its owner put there by hand is for that.
      return secretFrom(found.password, 'the keyring')
    case 'other':
      throw new SecretError(
        `the keyring's password of ${name} is for another host or user; this stores one: ${loginCommand(name)}`,
      )
    case 'no entry':
      throw new SecretError(
        `the keyring has no password for ${name}; this stores it: ${loginCommand(name)}`,
      )
    case 'no keyring':
      throw new SecretError(
        'no keyring can be reached, which a session without desktop, such as cron, often has not; use ' +
          'password_command or password_file instead of keyring',
      )
    case 'failed':
      throw new SecretError(`the keyring cannot be read: ${found.reason}`, { cause: found.cause })
  }
}

async function secretOfSurroundings(
  account: NamedAccount,
  surroundings: SecretSurroundings,
): Promise<Secret> {
  const found = await askKeyring(account, surroundings)
  if (found.type === 'own') return secretFrom(found.password, 'the keyring')
  if (surroundings.environment !== undefined) {
    return secretFrom(surroundings.environment, 'POPKEEP_PASSWORD')
  }
  if (surroundings.prompt !== undefined) {
    return secretFrom(await surroundings.prompt(passwordQuestion(account)), 'what was typed')
  }
  const why =
    found.type === 'failed'
      ? `; the keyring cannot be read: ${found.reason}`
      : found.type === 'other' || found.type === 'unbound'
        ? `; the keyring has a password of ${account.name}, but not for ${account.user} at ${account.host}`
        : ''
  throw new SecretError(
    'there is no password: give password_command, password_file or keyring in the config file, --password-command, ' +
      `--password-file or POPKEEP_PASSWORD; there is no terminal to ask at${why}`,
    found.type === 'failed' ? { cause: found.cause } : undefined,
  )
}

/** What a person is asked. Not yet safe for a terminal. */
export function passwordQuestion({ name, host }: Pick<NamedAccount, 'name' | 'host'>): string {
  return `Password for ${name} at ${host}: `
}

type KeyringAnswer =
  | KeptPassword
  | { readonly type: 'no entry' }
  | { readonly type: 'no keyring' }
  | { readonly type: 'failed'; readonly reason: string; readonly cause: unknown }

async function askKeyring(
  account: NamedAccount,
  { openKeyring, signal }: SecretSurroundings,
): Promise<KeyringAnswer> {
  const keyring = await openKeyring?.()
  if (keyring === undefined) return { type: 'no keyring' }
  try {
    const text = await keyring.get(account.name, signal)
    return text === undefined ? { type: 'no entry' } : parsePassword(text, account)
  } catch (cause) {
    signal?.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    return { type: 'failed', reason, cause }
  }
}

/** Takes the first line. */
function secretFrom(text: string, from: string): Secret {
  const line = /^[^\n]*/.exec(text)?.[0].replace(/\r+$/, '') ?? ''
  if (line === '') throw new SecretError(`there is no password in ${from}: its first line is empty`)
  if (/[\r\0]/.test(line)) {
    throw new SecretError(`the password in ${from} holds CR or NUL, which POP3 cannot carry`)
  }
  return new Secret(line)
}
