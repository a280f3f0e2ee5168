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
import { dovecotConfiguration, LOG_FILE, PASSWORD_FILE } from './dovecot-configuration.ts'
import { freePort } from './free-port.ts'
import { temporaryFolder } from './temp.ts'

export interface Dovecot {
  /** POP3 in clear text, passwords permitted. */
  readonly port: number
  /** POP3 over implicit TLS, with a certificate for `localhost` and 127.0.0.1. */
  readonly tlsPort: number
  /** PEM file of the CA that signed the certificate. */
  readonly caPem: string
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

/**
 * Starts Dovecot with these users and passwords, each with an empty Maildir.
 * Returns when it accepts connections; throws with its log if it does not.
 */
export async function startDovecot(options: {
  readonly maildrops: Readonly<Record<string, string>>
}): Promise<Dovecot> {
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
  const users = Object.entries(options.maildrops)
  const rows = users.map(([user, password]) => {
    return `${user}:{PLAIN}${password}:${uid}:${gid}::${at('mail', user)}::\n`
  })
  writeFileSync(at(PASSWORD_FILE), rows.join(''))

  const port = await freePort()
  const tlsPort = await freePort()
  const certificates = makeCertificates(folder.path)
  const group = execFileSync('id', ['-gn'], { encoding: 'utf8' }).trim()
  const ordinaryUser = isRoot ? undefined : { user: me.username, group }
  const plan = { version, folder: folder.path, port, tlsPort, certificates, ordinaryUser }
  writeFileSync(at('dovecot.conf'), dovecotConfiguration(plan))

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
    await accepting(tlsPort, child)
  } catch (cause) {
    const said = [at('output'), at(LOG_FILE)].filter(existsSync).map((path) => readFileSync(path))
    await stop()
    throw new Error(`dovecot ${version} did not start:\n${said.join('')}`, { cause })
  }
  return { port, tlsPort, caPem: certificates.ca, maildirOf, stop }
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
