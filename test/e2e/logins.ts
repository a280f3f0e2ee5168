/** What the end-to-end tests of the login share. */
import { existsSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { createMaildrop, type MaildropOptions } from '../../src/client/maildrop.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { LoginAttempt } from '../support/dovecot-log.ts'
import type { Finished } from '../support/popkeep.ts'

export type Tls = MaildropOptions['tls']

export interface Login extends Partial<MaildropOptions> {
  readonly user: string
  /** For short: the credential is this password. */
  readonly password?: string
}

export interface Outcome {
  /** `opened`: the session was of use and ended well. Otherwise the code of the error. */
  readonly outcome: string
  /** What the server's authentication saw. */
  readonly attempts: readonly LoginAttempt[]
  readonly trace: readonly string[]
  readonly error: unknown
}

/** Opens a session with the client library, asks for the drop listing and leaves. Over implicit TLS unless said otherwise. */
export async function logIn(dovecot: Dovecot, { password, ...login }: Login): Promise<Outcome> {
  const tls = login.tls ?? 'implicit'
  const trace: string[] = []
  const maildrop = createMaildrop({
    host: '127.0.0.1',
    port: tls === 'implicit' ? dovecot.tlsPort : dovecot.port,
    credential: { type: 'password', secret: password ?? '' },
    tls,
    ca: readFileSync(dovecot.caPem, 'utf8'),
    pipelining: true,
    trace: (line) => trace.push(line),
    ...login,
  })
  const ended = async (): Promise<Pick<Outcome, 'outcome' | 'error'>> => {
    try {
      const session = await maildrop.open(new AbortController().signal)
      await session.stat()
      const isDone = (await session.quit()) === 'done'
      return { outcome: isDone ? 'opened' : 'opened, but no end', error: undefined }
    } catch (error) {
      return { outcome: codeOf(error), error }
    }
  }
  return { ...(await ended()), attempts: await dovecot.attempts(), trace }
}

/** How the attempts went: `PLAIN ok`, `LOGIN refused`, `XOAUTH2 given up`. */
export function briefly(attempts: readonly LoginAttempt[]): readonly string[] {
  return attempts.map(({ mechanism, ok }) => {
    if (ok === undefined) return `${mechanism} given up`
    return `${mechanism} ${ok ? 'ok' : 'refused'}`
  })
}

/** Neither what a command printed nor these files hold the secret, be it as it is or somewhere inside of base64. */
export function expectNoSecret(
  secret: string,
  { stdout, stderr }: Pick<Finished, 'stdout' | 'stderr'>,
  files: readonly string[],
): void {
  const inBase64 = ['', 'x', 'xx'].map((before) => {
    // Only the characters that do not depend on what stands around it.
    return Buffer.from(before + secret)
      .toString('base64')
      .slice(before === '' ? 0 : 4, -4)
  })
  const written = [stdout.toString(), stderr.toString()]
  for (const file of files) if (existsSync(file)) written.push(readFileSync(file, 'latin1'))
  for (const form of [secret, ...inBase64]) expect(written.join('\n')).not.toContain(form)
}

function codeOf(error: unknown): string {
  const { code } = error as { code?: unknown }
  // Not what is expected anywhere: shown as it is.
  if (typeof code !== 'string') throw error
  return code
}
