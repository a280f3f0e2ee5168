/** How an account's server is reached, with the files and passwords that it takes. */
import { readFileSync } from 'node:fs'
import type { Account } from '../accounts/account.ts'
import { readClientCertificate } from '../accounts/client-certificate.ts'
import { ConfigError } from '../accounts/errors.ts'
import type { ServerOptions } from '../client/greeting.ts'
import type { CommandContext } from './context.ts'
import { describeFailure } from './failure.ts'

/** Throws ConfigError for certificates that cannot be read, and SecretError for a key that others can read. */
export async function serverOf(
  account: Account,
  env: CommandContext['env'],
): Promise<ServerOptions> {
  const { host, port, tls, clientCertificate } = account
  return {
    host,
    port,
    tls,
    ...routeTo(account, env),
    clientCertificate:
      clientCertificate &&
      (await readClientCertificate(clientCertificate, env.CREDENTIALS_DIRECTORY)),
  }
}

/** The way to any server, without what proves to it who asks. Throws ConfigError for certificates that cannot be read. */
export function routeTo(
  { ca, pin, proxy }: Pick<Account, 'ca' | 'pin' | 'proxy'>,
  env: CommandContext['env'],
): Pick<ServerOptions, 'ca' | 'pin' | 'proxy'> {
  const secret = proxy?.user === undefined ? undefined : env.POPKEEP_PROXY_PASSWORD
  return {
    pin,
    ca: ca === undefined ? undefined : readCertificates(ca),
    proxy: proxy && { ...proxy, secret },
  }
}

function readCertificates(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const { sentence } = describeFailure(error)
    throw new ConfigError(
      'CONFIG_VALUE',
      `the certificates cannot be read: ${sentence}`,
      { file },
      { cause: error },
    )
  }
}
