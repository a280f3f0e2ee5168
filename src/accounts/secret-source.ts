/** Where an account's secret comes from: a file, a command, the environment, or a person at a terminal. */
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { resolve, sep } from 'node:path'

import { SecretError } from './errors.ts'
import { MAX_SECRET_OCTETS, PASSWORD_COMMAND_MS } from './limits.ts'
import { Secret } from './secret.ts'
import { runSecretCommand } from './secret-command.ts'

export type SecretSource =
  | { readonly type: 'file'; readonly path: string }
  /** An array is run as it is; a string is given to the shell. */
  | { readonly type: 'command'; readonly command: string | readonly string[] }

/** What the world offers besides the account's own source. */
export interface SecretSurroundings {
  /** From the command line; it goes before the account's own. */
  readonly option?: SecretSource | undefined
  /** The value of POPKEEP_PASSWORD, if it may serve this account. */
  readonly environment?: string | undefined
  /** Asks a person without echo; undefined where nobody can be asked. */
  readonly prompt?: ((question: string) => Promise<string>) | undefined
  /** $CREDENTIALS_DIRECTORY of systemd: files in it are private, whatever their mode says. */
  readonly credentialsDirectory?: string | undefined
  readonly commandTimeoutMs?: number | undefined
}

/**
 * Gets the secret of an account from the first source that is there: option, the account's own, environment, prompt. A
 * source that is there but fails is an error; the next one is not tried.
 *
 * Throws SecretError (SECRET_UNAVAILABLE), which never holds the secret.
 */
export async function obtainSecret(
  account: { readonly name: string; readonly secret: SecretSource | undefined },
  surroundings: SecretSurroundings,
): Promise<Secret> {
  const source = surroundings.option ?? account.secret
  if (source?.type === 'file') {
    const text = await readSecretFile(source.path, surroundings.credentialsDirectory)
    return secretFrom(text, `the password file ${source.path}`)
  }
  if (source?.type === 'command') {
    const timeoutMs = surroundings.commandTimeoutMs ?? PASSWORD_COMMAND_MS
    return secretFrom(await runSecretCommand(source.command, timeoutMs), 'the password command')
  }
  if (surroundings.environment !== undefined) {
    return secretFrom(surroundings.environment, 'POPKEEP_PASSWORD')
  }
  if (surroundings.prompt !== undefined) {
    return secretFrom(await surroundings.prompt(`Password for ${account.name}: `), 'what was typed')
  }
  throw new SecretError(
    'there is no password: give password_command or password_file in the config file, --password-command, ' +
      '--password-file or POPKEEP_PASSWORD; there is no terminal to ask at',
  )
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

async function readSecretFile(
  path: string,
  credentialsDirectory: string | undefined,
): Promise<string> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDONLY)
  } catch (cause) {
    throw new SecretError(`the password file ${path} cannot be opened (${codeOf(cause)})`, {
      cause,
    })
  }
  try {
    // Of the open file, so that nothing can change between the question and the reading.
    const { mode } = await file.stat()
    if ((mode & 0o077) !== 0 && !(await isKeptPrivate(path, credentialsDirectory))) {
      throw new SecretError(`others can read the password file ${path}; make it private: chmod 600`)
    }
    const buffer = Buffer.alloc(MAX_SECRET_OCTETS)
    let filled = 0
    for (
      let more = 1;
      more > 0 && filled < buffer.length && !buffer.includes(0x0a);
      filled += more
    ) {
      more = (await file.read(buffer, filled, buffer.length - filled, null)).bytesRead
    }
    return buffer.toString('utf8', 0, filled)
  } catch (cause) {
    if (cause instanceof SecretError) throw cause
    throw new SecretError(`the password file ${path} cannot be read (${codeOf(cause)})`, { cause })
  } finally {
    await file.close()
  }
}

/** Container runtimes and systemd mount secrets readable by mode, and guard the folder instead. */
async function isKeptPrivate(
  path: string,
  credentialsDirectory: string | undefined,
): Promise<boolean> {
  // Windows has no such modes: every file looks readable by all.
  if (process.platform === 'win32') return true
  const real = await realpath(path)
  return ['/run/secrets', credentialsDirectory]
    .filter((folder) => folder !== undefined && folder !== '')
    .some((folder) => [resolve(path), real].some((file) => file.startsWith(`${folder}${sep}`)))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}
