import type { AccessTokens } from '../accounts/access-token.ts'
import type { Account, TokenSource } from '../accounts/account.ts'
import { oauthToken } from '../accounts/oauth-tokens.ts'
import { commandTokens } from '../accounts/token-command.ts'
import type { Credential } from '../client/credential.ts'
import type { CommandContext } from './context.ts'

/** A credential that asks the source for a token at each login, and once more where the server refuses one. */
export function tokenCredential(
  account: Account,
  source: TokenSource,
  process: Pick<CommandContext, 'env' | 'now' | 'shielded'>,
): Credential {
  const tokens = tokensOf(account, source, process)
  return {
    type: 'token',
    token: (signal) => tokens.accessToken(signal),
    renew: (rejected, signal) => tokens.renew(rejected, signal),
  }
}

function tokensOf(
  account: Account,
  source: TokenSource,
  process: Pick<CommandContext, 'env' | 'now' | 'shielded'>,
): AccessTokens {
  switch (source.type) {
    case 'command':
      return commandTokens(source.command)
    case 'oauth':
      return oauthToken(account, source.provider, source.storage, process)
  }
}
