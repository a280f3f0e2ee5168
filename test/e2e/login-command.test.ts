/** The built command logs in at a real Dovecot; its exit code and the server's log say how. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { type Finished, popkeep } from '../support/popkeep.ts'
import { startTap } from '../support/tap.ts'
import { temporaryFolder } from '../support/temp.ts'
import { briefly, expectNoSecret } from './logins.ts'

const USER = 'me@example.com'
const PASSWORD = 'canary password'
const env = { POPKEEP_PASSWORD: PASSWORD }

describe.skipIf(isDovecotMissing())('popkeep logs in at Dovecot', () => {
  const folder = temporaryFolder('login')
  const archive = join(folder.path, 'archive.sqlite')
  const trace = join(folder.path, 'trace')
  let dovecot: Dovecot

  beforeAll(async () => {
    dovecot = await startDovecot({
      maildrops: { [USER]: PASSWORD },
      mechanisms: 'plain login cram-md5 scram-sha-1 scram-sha-256 apop external'.split(' '),
      clientCertificates: true,
    })
  })

  afterAll(async () => {
    await dovecot?.stop()
    folder.remove()
  })

  const sync = (scheme: 'pop' | 'pops', ...more: readonly string[]) => {
    const port = scheme === 'pops' ? dovecot.tlsPort : dovecot.port
    return ['sync', `${scheme}://me%40example.com@127.0.0.1:${port}`, '--account', 'me']
      .concat(['--archive', `sqlite:${archive}`, '--tls-ca', dovecot.caPem, '--trace', trace])
      .concat(more)
  }

  const expectSilence = (run: Finished) => {
    expect(run).toMatchObject({ code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) })
    expectNoSecret(PASSWORD, run, [trace, archive])
  }

  it('by SCRAM-SHA-256 over STLS, as pop:// asks for', async () => {
    expectSilence(await popkeep(sync('pop'), { env }))
    expect(await dovecot.attempts()).toEqual([{ mechanism: 'SCRAM-SHA-256', user: USER, ok: true }])
    expect(readFileSync(trace, 'utf8')).toMatch(/C: STLS\n(.*\n)*.*C: AUTH SCRAM-SHA-256/)
  })

  it.each([
    ['plain', 'PLAIN ok'],
    ['user', 'PLAIN ok'],
    ['login', 'LOGIN ok'],
    ['cram-md5', 'CRAM-MD5 ok'],
    ['scram-sha-1', 'SCRAM-SHA-1 ok'],
    ['SCRAM-SHA-256', 'SCRAM-SHA-256 ok'],
    ['apop', 'APOP ok'],
  ])('by what --auth %s asks for', async (auth, seen) => {
    expectSilence(await popkeep(sync('pops', '--auth', auth), { env }))
    expect(briefly(await dovecot.attempts())).toEqual([seen])
  })

  it.each(['pop', 'pops'] as const)('by a client certificate over %s://', async (scheme) => {
    const { certificatePath, keyPath } = dovecot.clientCertificate(USER)
    const shown = ['--tls-cert', certificatePath, '--tls-key', keyPath]
    expectSilence(await popkeep(sync(scheme, ...shown)))
    expect(briefly(await dovecot.attempts())).toEqual(['EXTERNAL ok'])
  })

  it('once with a wrong password, and leaves with 77', async () => {
    const run = await popkeep(sync('pop'), { env: { POPKEEP_PASSWORD: `${PASSWORD}!` } })
    expect(run).toMatchObject({ code: 77, stdout: Buffer.alloc(0) })
    expect(run.stderr.toString()).toMatch(/^popkeep: [^\n]*Authentication failed[^\n]*\n$/)
    expectNoSecret(PASSWORD, run, [trace, archive])
    expect(briefly(await dovecot.attempts())).toEqual(['SCRAM-SHA-256 refused'])
  })
})

describe.skipIf(isDovecotMissing())('popkeep at a Dovecot without TLS', () => {
  it('sends no password unless it is told --tls none', async () => {
    const dovecot = await startDovecot({ maildrops: { me: PASSWORD }, tls: false })
    const tap = await startTap(dovecot.port)
    const folder = temporaryFolder('login')
    try {
      const args = ['sync', `pop://me@127.0.0.1:${tap.port}`].concat([
        '--archive',
        `sqlite:${join(folder.path, 'archive')}`,
      ])
      expect(await popkeep(args, { env })).toMatchObject({ code: 76 })
      expect(tap.take().filter((line) => line !== 'QUIT')).toEqual(['STLS'])
      expect(await popkeep(args.concat('--tls', 'none'), { env })).toMatchObject({ code: 0 })
      expect(briefly(await dovecot.attempts())).toEqual(['PLAIN ok'])
    } finally {
      await tap.close()
      await dovecot.stop()
      folder.remove()
    }
  })
})

describe.skipIf(isDovecotMissing())('popkeep at a maildrop that another session holds', () => {
  it('leaves with 75 and speaks of no password', async () => {
    const dovecot = await startDovecot({ maildrops: { me: PASSWORD }, sessionLock: true })
    const folder = temporaryFolder('login')
    try {
      const holder = await openByHand(dovecot.port)
      const args = ['sync', `pops://me@127.0.0.1:${dovecot.tlsPort}`, '--tls-ca', dovecot.caPem]
      const run = await popkeep(
        args.concat('--archive', `sqlite:${join(folder.path, 'archive')}`),
        { env },
      )
      expect(run).toMatchObject({ code: 75, stdout: Buffer.alloc(0) })
      expect(run.stderr.toString()).toMatch(/^popkeep: [^\n]*in use[^\n]*\n$/)
      expect(run.stderr.toString()).not.toMatch(/password|credential/i)
      holder.destroy()
    } finally {
      await dovecot.stop()
      folder.remove()
    }
  })
})

/** A session that stays open as long as its socket. */
async function openByHand(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'data')
  for (const command of ['USER me', `PASS ${PASSWORD}`, 'STAT']) {
    socket.write(`${command}\r\n`)
    const [reply] = (await once(socket, 'data')) as [Buffer]
    if (!reply.toString().startsWith('+OK')) throw new Error(`${command}: ${reply.toString()}`)
  }
  return socket
}
