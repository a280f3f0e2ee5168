import { type Command, Option } from 'commander'
import { TLS_MODES, type TlsMode } from '../accounts/account.ts'
import { configOption } from './option-values.ts'

/** How to reach a server and to log in there, as the command line says it; unsaid options are absent. */
export interface ServerOptions {
  readonly config?: string
  readonly tls?: TlsMode
  readonly tlsCa?: string
  readonly tlsPin?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly proxy?: string
  readonly auth?: string
  readonly passwordFile?: string
  readonly passwordCommand?: string
  readonly trace?: string
}

/** Adds the options that all commands share which talk to a server. They go before what the config says. */
export function withServerOptions(command: Command): Command {
  return command
    .optionsGroup('Server and login:')
    .addOption(
      new Option('--tls <mode>', 'TLS at once, by STLS, or none: passwords in clear text').choices(
        TLS_MODES,
      ),
    )
    .option('--tls-ca <file>', 'trust the certificates in this PEM file')
    .option('--tls-pin <sha256>', 'trust exactly the server key with this SHA-256, hex or base64')
    .option('--tls-cert <file>', 'show the server this client certificate (PEM)')
    .option('--tls-key <file>', 'the key of --tls-cert, if it is in a file of its own')
    .option('--proxy <url>', 'connect through socks5://host:port or http://host:port')
    .option('--auth <mechanism>', 'log in by this mechanism and no other (plain, user, apop ...)')
    .option('--password-file <file>', 'read the password from the first line of a file')
    .option('--password-command <command>', 'run a command that prints the password')
    .option('--trace <file>', 'write the session to a file, secrets masked')
    .addOption(configOption())
}
