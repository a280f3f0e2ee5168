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
}

/** Where the configuration expects users and passwords, in Dovecot's passwd-file form. */
export const PASSWORD_FILE = 'passwd'

/** Where log lines go, in the same folder. */
export const LOG_FILE = 'dovecot.log'

/** The whole dovecot.conf. Source: doc.dovecot.org, settings of 2.3 and 2.4, and "rootless". */
export function dovecotConfiguration(plan: DovecotPlan): string {
  const isNew = !/^([01]\.|2\.[0-3]\b)/.test(plan.version)
  return [isNew ? settings24(plan) : settings23(plan), commonSettings(plan)].join('\n')
}

function settings23({ folder, certificates }: DovecotPlan): string {
  return `
protocols = pop3
disable_plaintext_auth = no
mail_location = maildir:~/Maildir
ssl_cert = <${certificates.certificate}
ssl_key = <${certificates.key}
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

function settings24({ folder, certificates }: DovecotPlan): string {
  return `
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols {
  pop3 = yes
}
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = ~/Maildir
ssl_server_cert_file = ${certificates.certificate}
ssl_server_key_file = ${certificates.key}
passdb passwd-file {
  passwd_file_path = ${folder}/${PASSWORD_FILE}
}
userdb passwd-file {
  passwd_file_path = ${folder}/${PASSWORD_FILE}
}
`
}

function commonSettings({ folder, port, tlsPort, ordinaryUser }: DovecotPlan): string {
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
listen = 127.0.0.1
ssl = yes
auth_mechanisms = plain login
auth_failure_delay = 0 secs
first_valid_uid = 1
default_vsz_limit = 1G
mail_max_userip_connections = 100
pop3_no_flag_updates = no
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
