/** Access tokens that a program of the account's owner prints: pizauth, oama, mutt_oauth2.py. */

import { type AccessTokens, isToken } from './access-token.ts'
import { SecretError } from './errors.ts'
import { PASSWORD_COMMAND_MS } from './limits.ts'
import { runSecretCommand } from './secret-command.ts'

/**
 * Runs `command` (see runSecretCommand) for each token, since it is the command that knows when one expires.
 *
 * `renew` gives nothing if the command still prints the rejected token. Its methods throw SecretError (SECRET_UNAVAILABLE), which never holds a token, and the reason of their signal.
 */
export function commandTokens(command: string | readonly string[]): AccessTokens {
  const accessToken = async (signal: AbortSignal) =>
    tokenFrom(
      await runSecretCommand(command, {
        what: 'token command',
        timeoutMs: PASSWORD_COMMAND_MS,
        signal,
      }),
    )
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
  if (!isToken(token)) {
    throw new SecretError(
      'what the token command printed is no token: it is too long, or holds blanks or the like',
    )
  }
  return token
}
