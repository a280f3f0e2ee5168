/**
 * A real Dovecot of one's own: own configuration, own folder, free loopback ports, POP3 only.
 *
 * It runs as root (mail is then read as an unprivileged user) and as an ordinary user (all is then that user's).
 * Used by the end-to-end tests and by bench/.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { makeCertificates } from './certificates.ts'
import { type ClientCertificate, makeClientCertificate } from './client-certificate.ts'
import {
  type DovecotOffer,
  dovecotConfiguration,
  LOG_FILE,
  OAUTH_FILE,
  oauthSettings,
  PASSWORD_FILE,
} from './dovecot-configuration.ts'
import { DovecotLog, type LoginAttempt } from './dovecot-log.ts'
import { freePort } from './free-port.ts'
import { temporaryFolder } from './temp.ts'

export interface Dovecot {
  /** POP3 in clear text, passwords permitted. */
  readonly port: number
  /** POP3 over implicit TLS, with a certificate for `localhost` and 127.0.0.1. */
  readonly tlsPort: number
  /** PEM file of the CA that signed the certificate. */
  readonly caPem: string
  /** The logins that its authentication saw since the last call, in their order. */
  attempts(): Promise<readonly LoginAttempt[]>
  /** All that it logged so far. */
  logged(): string
  /** A certificate with this user as its common name, signed by the CA or by itself. */
  clientCertificate(user: string, signedBy?: 'ca' | 'itself'): ClientCertificate
  /** The user's Maildir, with `tmp`, `new` and `cur` in place. */
  maildirOf(user: string): string
  /** SIGTERM to our own process, wait for its end, remove the folder. */
  stop(): Promise<void>
}

/** An ordinary user's PATH may lack the folders of daemons. */
const ENVIRONMENT = {
  ...process.env,
  PATH: [process.env.PATH, '/usr/sbin', '/usr/local/sbin'].join(delimiter),
}

/** Where packages put the POP3 part, which may be missing while Dovecot is there. */
const POP3_LOGIN = ['lib', 'libexec', 'local/lib', 'local/libexec'].map(
  (folder) => `/usr/${folder}/dovecot/pop3-login`,
)

/** `nobody` on Linux, needs no entry in passwd: Dovecot refuses to read mail as root. */
const MAIL_ID = 65534

/** Connection attempts before a start counts as failed; each waits 50 ms longer than the one before. */
const MAX_ATTEMPTS = 20

/** Like `2.3.19.1`, or undefined where Dovecot or its POP3 part is not installed. */
export function dovecotVersion(): string | undefined {
  if (!POP3_LOGIN.some((path) => existsSync(path))) return undefined
  try {
    return execFileSync('dovecot', ['--version'], { env: ENVIRONMENT, encoding: 'utf8' }).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** A password as the server keeps it. Most forms suit some mechanisms only: a crypt serves PLAIN and LOGIN alone. */
export interface StoredPassword {
  readonly password: string
  /** As `doveadm pw -l` has it. PLAIN serves every mechanism. */
  readonly scheme: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-1' | 'CRAM-MD5' | 'SHA512-CRYPT'
}

export interface DovecotOptions extends Partial<DovecotOffer> {
  /** Passwords by user; a bare one is stored as it is. No colons. */
  readonly maildrops: Readonly<Record<string, string | StoredPassword>>
}

/** Unless said otherwise: PLAIN and LOGIN, with TLS and without, any number of sessions, unique-ids as Dovecot has them. */
const OFFER: DovecotOffer = {
  mechanisms: ['plain', 'login'],
  tls: true,
  clearText: true,
  clientCertificates: false,
  introspectionUrl: undefined,
  sessionLock: false,
  uniqueIds: 'by number',
}

/**
 * True where tests that need Dovecot are to be skipped: it is not installed, and POPKEEP_REQUIRE_DOVECOT does not make that
 * an error. Says so, once per file of tests.
 */
export function isDovecotMissing(): boolean {
  const isMissing = dovecotVersion() === undefined && process.env.POPKEEP_REQUIRE_DOVECOT !== '1'
  if (isMissing) {
    console.warn(
      'Dovecot is not installed (package dovecot-pop3d): its end-to-end tests are skipped.',
    )
  }
  return isMissing
}

/**
 * Starts Dovecot with these users and passwords, each with an empty Maildir.
 * Returns when it accepts connections; throws with its log if it does not.
 */
export async function startDovecot(options: DovecotOptions): Promise<Dovecot> {
  const version = dovecotVersion()
  if (version === undefined) throw new Error('dovecot with POP3 is not installed')

  const folder = temporaryFolder('dovecot')
  const at = (...names: readonly string[]) => join(folder.path, ...names)
  const maildirOf = (user: string) => at('mail', user, 'Maildir')
  // The processes of other users must pass through.
  chmodSync(folder.path, 0o755)
  const me = userInfo()
  const isRoot = me.uid === 0
  const [uid, gid] = isRoot ? [MAIL_ID, MAIL_ID] : [me.uid, me.gid]
  makeMaildrops(Object.keys(options.maildrops), maildirOf, uid, gid)
  const rows = Object.entries(options.maildrops).map(([user, password]) => {
    return `${user}:${storedForm(password)}:${uid}:${gid}::${at('mail', user)}::\n`
  })
  writeFileSync(at(PASSWORD_FILE), rows.join(''))

  const port = await freePort()
  const tlsPort = await freePort()
  const certificates = makeCertificates(folder.path)
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  const ordinaryUser = isRoot ? undefined : { user: me.username, group }
  const { maildrops: _, ...asked } = options
  const offer = { ...OFFER, ...asked }
  const plan = { version, folder: folder.path, port, tlsPort, certificates, ordinaryUser, offer }
  writeFileSync(at('dovecot.conf'), dovecotConfiguration(plan))
  writeFileSync(at(OAUTH_FILE), oauthSettings(offer.introspectionUrl ?? ''))

  const output = openSync(at('output'), 'w')
  const child = spawn('dovecot', ['-F', '-c', at('dovecot.conf')], {
    env: ENVIRONMENT,
    stdio: ['ignore', output, output],
  })
  closeSync(output)
  const exited = once(child, 'exit')
  // A run that is cut short leaves no server behind.
  const abandon = () => child.kill('SIGTERM')
  process.once('exit', abandon)
  const stop = async () => {
    process.off('exit', abandon)
    child.kill('SIGTERM')
    await exited
    folder.remove()
  }
  try {
    await accepting(port, child)
    if (offer.tls) await accepting(tlsPort, child)
  } catch (cause) {
    const said = [at('output'), at(LOG_FILE)].filter(existsSync).map((path) => readFileSync(path))
    await stop()
    throw new Error(`dovecot ${version} did not start:\n${said.join('')}`, { cause })
  }
  const log = new DovecotLog(at(LOG_FILE), port, firstMechanism(offer))
  return {
    port,
    tlsPort,
    caPem: certificates.ca,
    attempts: () => log.attempts(),
    logged: () => log.text(),
    clientCertificate: (user, signedBy) => makeClientCertificate(certificates, user, signedBy),
    maildirOf,
    stop,
  }
}

/** APOP is a command of its own, not for AUTH. */
function firstMechanism({ mechanisms }: DovecotOffer): string {
  return mechanisms.find((mechanism) => mechanism !== 'apop') ?? 'plain'
}

function storedForm(password: string | StoredPassword): string {
  if (typeof password === 'string') return `{PLAIN}${password}`
  const args = ['-O', 'pw', '-s', password.scheme, '-p', password.password]
  return execFileSync('doveadm', args, { env: ENVIRONMENT, encoding: 'utf8' }).trim()
}

function makeMaildrops(
  users: readonly string[],
  maildirOf: (user: string) => string,
  uid: number,
  gid: number,
): void {
  for (const user of users) {
    const maildir = maildirOf(user)
    for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(maildir, name), { recursive: true })
    for (const path of [join(maildir, '..'), maildir, join(maildir, 'tmp')])
      chownSync(path, uid, gid)
    for (const name of ['new', 'cur']) chownSync(join(maildir, name), uid, gid)
  }
}

/** Resolves when something accepts a connection on the port; throws once the child is gone. */
async function accepting(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (cause) {
      if (child.exitCode !== null) throw new Error('it ended', { cause })
      if (attempt === MAX_ATTEMPTS) throw new Error(`port ${port} stays closed`, { cause })
    } finally {
      socket.destroy()
    }
    await new Promise((resolve) => setTimeout(resolve, 50 * attempt))
  }
}
