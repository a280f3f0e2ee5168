/** An account on its way into the config: what is known of it, and the tables that say it. */
import { isAbsolute, resolve } from 'node:path'
import { defaultPort } from '../accounts/account.ts'
import { locateArchive } from '../accounts/archive-name.ts'
import type { ConfigAddition, TableText } from '../accounts/config-text.ts'
import type { PopServer } from '../accounts/mail-provider.ts'
import type { ServerOptions } from './server-options.ts'

/** `account add` as it was asked for on the command line. Unsaid options are absent. */
export interface AccountAddOptions extends ServerOptions {
  readonly name?: string
  readonly host?: string
  readonly port?: number
  readonly user?: string
  readonly keyring?: true
  readonly askPassword?: true
  readonly tokenCommand?: string
  readonly oauth?: string
  readonly clientId?: string
  readonly archive?: string
  readonly yes?: true
  /** False: nobody logs in. */
  readonly check: boolean
  readonly dryRun?: true
}

/** How the account logs in, and where what it takes for that is kept. */
export type DraftLogin =
  /** `secret` is undefined where it was not asked for. `fresh-file`: made beside the config, of this name. */
  | { readonly type: 'keyring' | 'ask'; readonly secret: string | undefined }
  | { readonly type: 'fresh-file'; readonly file: string; readonly secret: string | undefined }
  | { readonly type: 'file'; readonly path: string }
  | { readonly type: 'command' | 'token-command'; readonly command: string }
  | { readonly type: 'certificate' }
  | {
      readonly type: 'oauth'
      readonly provider: string
      /** Undefined: the config has a table [oauth.PROVIDER]. */
      readonly client: { readonly id: string; readonly secret: string | undefined } | undefined
      readonly storage: 'keyring' | 'file'
    }

export interface Draft {
  readonly name: string
  readonly server: PopServer
  readonly user: string
  readonly login: DraftLogin
  /** Undefined: the config's common one. */
  readonly archive: string | undefined
  /** The config says nothing yet: the archive becomes the common one. */
  readonly isFirst: boolean
}

/** The tables of a draft. Paths of options count from the current folder, those in a config from its own. */
export function additionOf(draft: Draft, options: AccountAddOptions): ConfigAddition {
  const { name, server, user, login, archive, isFirst } = draft
  const { tlsCa, tlsPin, tlsCert, tlsKey, proxy, auth } = options
  const certificate = tlsCert === undefined ? undefined : resolve(tlsCert)
  return {
    name,
    account: said({
      host: server.host,
      port: server.port === defaultPort(server.tls) ? undefined : server.port,
      tls: server.tls === 'implicit' ? undefined : server.tls,
      tls_ca: tlsCa === undefined ? undefined : resolve(tlsCa),
      tls_pin: tlsPin,
      tls_certificate: certificate,
      tls_key: tlsKey === undefined ? certificate : resolve(tlsKey),
      proxy,
      user,
      auth: auth?.toUpperCase(),
      ...loginKeys(login),
      archive: isFirst ? undefined : archive && fromHere(archive),
    }),
    archive: isFirst ? archive && fromHere(archive) : undefined,
    oauth:
      login.type === 'oauth' && login.client
        ? {
            name: login.provider,
            table: said({ client_id: login.client.id, client_secret: login.client.secret }),
          }
        : undefined,
  }
}

function loginKeys(login: DraftLogin): Record<string, string | boolean | undefined> {
  switch (login.type) {
    case 'keyring':
      return { keyring: true }
    case 'fresh-file':
      return { password_file: login.file }
    case 'file':
      return { password_file: resolve(login.path) }
    case 'command':
      return { password_command: login.command }
    case 'token-command':
      return { token_command: login.command }
    case 'oauth':
      return { oauth: login.provider, keyring: login.storage === 'keyring' ? true : undefined }
    case 'ask':
    case 'certificate':
      return {}
  }
}

/** With a path that means the same from everywhere; `~/` stays, for who shares a config among machines. */
function fromHere(archive: string): string {
  return locateArchive(archive, (path) => {
    const isFixed = isAbsolute(path) || path === '~' || path.startsWith('~/')
    return isFixed ? path : resolve(path)
  })
}

function said(keys: Readonly<Record<string, string | number | boolean | undefined>>): TableText {
  return Object.fromEntries(
    Object.entries(keys).filter(
      (entry): entry is [string, string | number | boolean] => entry[1] !== undefined,
    ),
  )
}
