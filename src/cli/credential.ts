/** What an account logs in with. Asks commands, keyring and people; connects to no POP3 server. */
import type { Account } from '../accounts/account.ts'
import { configFault, SecretError } from '../accounts/errors.ts'
import { askHidden, openTerminal } from '../accounts/hidden-prompt.ts'
import { openKeyring } from '../accounts/keyring.ts'
import { obtainSecret } from '../accounts/secret-source.ts'
import type { Credential } from '../client/credential.ts'
import type { CommandContext } from './context.ts'
import { safe } from './safe.ts'

export interface CredentialSurroundings extends Pick<CommandContext, 'env' | 'now' | 'shielded'> {
  /** The one account that a command is about: only such a one may use environment and prompt. */
  readonly isSingle: boolean
  readonly signal: AbortSignal
}

/**
 * A token where the account has a source of tokens, the client certificate where nothing else is there or EXTERNAL is asked
 * for, else the password. Throws SecretError, ConfigError or UsageError, or the signal's reason.
 */
export async function obtainCredential(
  account: Account,
  surroundings: CredentialSurroundings,
): Promise<Credential> {
  if (account.token !== undefined) {
    const { tokenCredential } = await import('./token-credential.ts')
    return tokenCredential(account, account.token, surroundings)
  }
  const environment = surroundings.isSingle ? surroundings.env.POPKEEP_PASSWORD : undefined
  if (credentialType(account, environment) === 'certificate') return { type: 'certificate' }
  return { type: 'password', secret: await obtainPassword(account, environment, surroundings) }
}

/** What the account will log in with. `environment`: the password that this holds, if it counts. */
export function credentialType(
  { token, secret, auth, clientCertificate }: Account,
  environment: string | undefined,
): Credential['type'] {
  if (token !== undefined) return 'token'
  const hasPassword = secret !== undefined || environment !== undefined
  const isByCertificate =
    auth === undefined ? clientCertificate !== undefined && !hasPassword : auth === 'EXTERNAL'
  return isByCertificate ? 'certificate' : 'password'
}

async function obtainPassword(
  account: Account,
  environment: string | undefined,
  { env, isSingle, signal }: CredentialSurroundings,
): Promise<string> {
  const hasSource = account.secret !== undefined || environment !== undefined
  const terminal = isSingle && !hasSource ? openTerminal() : undefined
  try {
    const secret = await obtainSecret(account, {
      environment,
      openKeyring: () => openKeyring('popkeep'),
      prompt: terminal && ((question) => askHidden(safe(question), terminal, signal)),
      credentialsDirectory: env.CREDENTIALS_DIRECTORY,
      signal,
    })
    return secret.reveal()
  } catch (error) {
    if (isSingle || hasSource || !(error instanceof SecretError)) throw error
    throw configFault(
      account.place,
      'there is no password_command, no password_file and nothing in a keyring; to be asked for the password, name ' +
        'this account alone',
    )
  } finally {
    terminal?.close()
  }
}
