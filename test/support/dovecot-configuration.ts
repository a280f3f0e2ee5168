import type { Certificates } from './certificates.ts'

/** What one instance of Dovecot is told. All paths are absolute. */
export interface DovecotPlan {
  /** `2.3.19.1` or the like: 2.4 renamed many settings and refuses the old names. */
  readonly version: string
  readonly folder: string
  readonly port: number
  readonly tlsPort: number
  readonly certificates: Certificates
  /** Of the processes; undefined as root, where Dovecot's own users serve. */
  readonly ordinaryUser: { readonly user: string; readonly group: string } | undefined
  readonly offer: DovecotOffer
}

/** What the server lets its clients do. */
export interface DovecotOffer {
  /** In lower case, as Dovecot names them. */
  readonly mechanisms: readonly string[]
  /** False: no TLS at all. Dovecot has no setting for implicit TLS without STLS. */
  readonly tls: boolean
  /** False: no password in clear text, but for clients whose address is the server's own. */
  readonly clearText: boolean
  /** Certificates of the same CA log in by EXTERNAL, as the user in their common name. */
  readonly clientCertificates: boolean
  /** Where tokens are introspected (RFC 7662); undefined: no OAuth. */
  readonly introspectionUrl: string | undefined
  /** One session per maildrop, as RFC 1939 has it. */
  readonly sessionLock: boolean
  /**
   * From Dovecot's numbers, as it does unless told; from names of files; or from X-UIDL in the messages, with suffixes where
   * these are equal.
   */
  readonly uniqueIds: 'by number' | 'by file' | 'by X-UIDL'
}

/** Where the configuration expects users and passwords, in Dovecot's passwd-file form. */
export const PASSWORD_FILE = 'passwd'

/** Where log lines go, in the same folder. */
export const LOG_FILE = 'dovecot.log'

/** Where 2.3 expects what it must know of OAuth; later versions have it in dovecot.conf. */
export const OAUTH_FILE = 'oauth2.conf'

/** The whole dovecot.conf. Source: doc.dovecot.org, settings of 2.3 and 2.4, and "rootless". */
export function dovecotConfiguration(plan: DovecotPlan): string {
  const isNew = !/^([01]\.|2\.[0-3]\b)/.test(plan.version)
  const uniqueIds = uniqueIdSettings(plan.offer.uniqueIds, isNew ? '%{filename}' : '%f')
  return [isNew ? settings24(plan) : settings23(plan), uniqueIds, commonSettings(plan)].join('\n')
}

function uniqueIdSettings(uniqueIds: DovecotOffer['uniqueIds'], fileName: string): string {
  if (uniqueIds === 'by file') return `pop3_uidl_format = ${fileName}`
  if (uniqueIds === 'by number') return ''
  return 'pop3_reuse_xuidl = yes\npop3_uidl_duplicates = rename'
}

/** What an OAuth introspection endpoint must answer for a token to be good: `active` and `username`. */
export function oauthSettings(introspectionUrl: string): string {
  return `
introspection_url = ${introspectionUrl}
introspection_mode = post
username_attribute = username
active_attribute = active
active_value = true
`
}

function settings23({ folder, certificates, offer }: DovecotPlan): string {
  return `
protocols = pop3
disable_plaintext_auth = ${offer.clearText ? 'no' : 'yes'}
mail_location = maildir:~/Maildir
ssl_cert = <${certificates.certificate}
ssl_key = <${certificates.key}
${
  offer.clientCertificates
    ? `
ssl_ca = <${certificates.ca}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
passdb {
  driver = static
  mechanisms = external
  args = nopassword=y
}
`
    : ''
}${
  offer.introspectionUrl === undefined
    ? ''
    : `
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${folder}/${OAUTH_FILE}
}
`
}
passdb {
  driver = passwd-file
  args = ${folder}/${PASSWORD_FILE}
}
userdb {
  driver = passwd-file
  args = ${folder}/${PASSWORD_FILE}
}
`
}

function settings24({ folder, certificates, offer }: DovecotPlan): string {
  return `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {
  pop3 = yes
}
auth_allow_cleartext = ${offer.clearText ? 'yes' : 'no'}
mail_driver = maildir
mail_path = ~/Maildir
ssl_server_cert_file = ${certificates.certificate}
ssl_server_key_file = ${certificates.key}
${
  offer.clientCertificates
    ? `
ssl_server_ca_file = ${certificates.ca}
ssl_server_require_crl = no
ssl_server_request_client_cert = yes
auth_ssl_username_from_cert = yes
passdb static {
  mechanisms_filter = external
  fields {
    nopassword = yes
  }
}
`
    : ''
}${
  offer.introspectionUrl === undefined
    ? ''
    : `
oauth2 {${oauthSettings(offer.introspectionUrl).replaceAll('\n', '\n  ').trimEnd()}
}
`
}
passdb passwd-file {
  passwd_file_path = ${folder}/${PASSWORD_FILE}
}
userdb passwd-file {
  passwd_file_path = ${folder}/${PASSWORD_FILE}
}
`
}

function commonSettings({ folder, port, tlsPort, ordinaryUser, offer }: DovecotPlan): string {
  // An ordinary user can neither chroot nor become Dovecot's own users.
  const processes =
    ordinaryUser === undefined
      ? ''
      : `
default_internal_user = ${ordinaryUser.user}
default_internal_group = ${ordinaryUser.group}
default_login_user = ${ordinaryUser.user}
`
  const chroot = ordinaryUser === undefined ? '' : 'chroot ='
  return `${processes}
base_dir = ${folder}/run
state_dir = ${folder}/run
log_path = ${folder}/${LOG_FILE}
# notes each attempt at a login, without passwords
auth_debug = yes
listen = 127.0.0.1
ssl = ${offer.tls ? 'yes' : 'no'}
auth_mechanisms = ${offer.mechanisms.join(' ')}
auth_failure_delay = 0 secs
# any octets
auth_username_chars =
first_valid_uid = 1
default_vsz_limit = 1G
mail_max_userip_connections = 100
pop3_no_flag_updates = no
pop3_lock_session = ${offer.sessionLock ? 'yes' : 'no'}
namespace inbox {
  inbox = yes
}
service anvil {
  ${chroot}
  # without this socket no login is delayed for the failures before it
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service pop3-login {
  ${chroot}
  inet_listener pop3 {
    port = ${port}
  }
  inet_listener pop3s {
    port = ${tlsPort}
    ssl = yes
  }
}
`
}
