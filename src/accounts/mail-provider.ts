/** What is known of a mail provider before its server is asked. */
import type { TlsMode } from './account.ts'

export interface MailProvider {
  /** As people call it. */
  readonly name: string
  /** The domains of its addresses, lower-case ASCII. */
  readonly domains: readonly string[]
  /** Undefined: it has no POP service, and `hint` says so. */
  readonly server: PopServer | undefined
  /** Other names of its POP servers that people have in old configurations. */
  readonly otherHosts: readonly string[]
  /** The ends of its mail exchangers' names, by which domains of its customers are known. */
  readonly exchangers: readonly string[]
  /** What USER takes: the whole address, or what stands before the `@`. */
  readonly user: 'address' | 'local-part'
  /** What it lets programs log in with; an app password may be optional without two-factor login. */
  readonly login: 'app-password' | 'oauth' | 'password'
  /** The preset of an OAuth provider, where it takes tokens. */
  readonly oauth: 'google' | 'microsoft' | undefined
  /** What a refused login probably means, in one sentence; undefined where nothing particular is known. */
  readonly hint: string | undefined
}

export interface PopServer {
  /** Lower-case ASCII. */
  readonly host: string
  readonly port: number
  readonly tls: TlsMode
}
