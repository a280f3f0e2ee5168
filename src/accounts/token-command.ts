/** Access tokens that a program of the account's owner prints: pizauth, oama, mutt_oauth2.py. */
import { SecretError } from './errors.ts'
import { PASSWORD_COMMAND_MS } from './limits.ts'
import { runSecretCommand } from './secret-command.ts'

/** Tokens of one account, as a login asks for them. */
export interface CommandTokens {
  accessToken(signal: AbortSignal): Promise<string>
  /** A newer token than one that the server rejected; undefined if the command still prints the same. */
  renew(rejected: string, signal: AbortSignal): Promise<string | undefined>
}

/**
 * Runs `command` (see runSecretCommand) for each token, since it is the command that knows when one expires.
 *
 * Its methods throw SecretError (SECRET_UNAVAILABLE), which never holds a token, and the reason of their signal.
 */
export function commandTokens(
  command: string | readonly string[],
  { timeoutMs = PASSWORD_COMMAND_MS }: { readonly timeoutMs?: number } = {},
): CommandTokens {
  const accessToken = async (signal: AbortSignal) =>
    tokenFrom(await runSecretCommand(command, { what: 'token command', timeoutMs, signal }))
  return {
    accessToken,
    async renew(rejected, signal) {
      const token = await accessToken(signal)
      return token === rejected ? undefined : token
    },
  }
}

/** Takes the first line. */
function tokenFrom(text: string): string {
  const token = /^[^\r\n]*/.exec(text)?.[0].trim() ?? ''
  if (token === '') {
    throw new SecretError('the token command printed no token: its first line is empty')
  }
  // RFC 6750 section 2.1 allows less than this; more would end a field of the SASL message.
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw new SecretError('what the token command printed is no token: it holds blanks or the like')
  }
  return token
}
