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
  const { host, port, tls, pin, proxy } = account
  const { clientCertificate } = account
  const secret = proxy?.user === undefined ? undefined : env.POPKEEP_PROXY_PASSWORD
  return {
    host,
    port,
    tls,
    pin,
    ca: account.ca === undefined ? undefined : readCertificates(account.ca),
    clientCertificate:
      clientCertificate &&
      (await readClientCertificate(clientCertificate, env.CREDENTIALS_DIRECTORY)),
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
