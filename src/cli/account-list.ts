/** `popkeep account list`: what the config says of each account, in a line. */
import type { Account } from '../accounts/account.ts'
import { padded, textWidth } from './columns.ts'
import { jsonWord } from './json-word.ts'
import { jsonLine, safe } from './safe.ts'

/** A line an account, in columns. */
export function accountLines(accounts: readonly Account[]): string {
  const rows = accounts.map((account) =>
    [
      account.name,
      `${account.user} at ${account.host}:${account.port}`,
      loginWords(account),
      account.archive ?? '',
    ].map(safe),
  )
  const widths = [0, 1, 2].map((column) =>
    Math.max(0, ...rows.map((row) => textWidth(row[column] ?? ''))),
  )
  return rows
    .map((row) => {
      const cells = row.map((cell, column) => padded(cell, widths[column] ?? textWidth(cell)))
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}

/** One object a line. */
export function accountsJson(accounts: readonly Account[]): string {
  return accounts
    .map((account) => {
      const { name, host, port, tls, user, token, archive = null } = account
      const provider = token?.type === 'oauth' ? token.provider.name : null
      const login = jsonWord(loginOf(account))
      return jsonLine({ name, host, port, tls, user, login, provider, archive })
    })
    .join('')
}

function loginWords(account: Account): string {
  const { token } = account
  return token?.type === 'oauth' ? `oauth ${token.provider.name}` : loginOf(account)
}

function loginOf({ secret, token, clientCertificate }: Account): string {
  if (token) return token.type === 'oauth' ? 'oauth' : 'token command'
  if (secret) return secret.type === 'keyring' ? 'keyring' : `password ${secret.type}`
  return clientCertificate ? 'certificate' : 'asks'
}
