/** `popkeep console`, built, over TLS against the server of the house: by pipe, and at a real terminal. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import { qpopper } from '../../src/server/personality.ts'
import {
  SEED_HOST,
  SEED_PASSWORD,
  SEED_USER,
  seedMaildrop,
} from '../../src/server/seed-maildrop.ts'
import { type Certificates, makeCertificates } from '../support/certificates.ts'
import { isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { popkeep } from '../support/popkeep.ts'
import { hasPseudoTerminal, PseudoTerminal } from '../support/pseudo-terminal.ts'
import { temporaryFolder } from '../support/temp.ts'

const PROGRAM = join(import.meta.dirname, '../../bin/popkeep.js')
const CTRL_C = '\x03'
const CTRL_D = '\x04'

describe('popkeep console', () => {
  const folder = temporaryFolder('console')
  let certificates: Certificates
  let server: Pop3Server

  beforeAll(async () => {
    certificates = makeCertificates(folder.path)
    server = await listen({
      host: '127.0.0.1',
      port: 0,
      tls: { cert: readFileSync(certificates.certificate), key: readFileSync(certificates.key) },
      maildrops: [{ user: SEED_USER, secret: SEED_PASSWORD, source: seedMaildrop() }],
      personality: qpopper({ hostName: SEED_HOST, now: () => 0, pid: () => 1 }),
      onFault: () => undefined,
    })
  })
  afterAll(async () => {
    await server.close()
    folder.remove()
  })

  const words = (...more: readonly string[]) => [
    ...['console', `pops://${SEED_USER}@127.0.0.1:${server.port}`],
    ...['--tls-ca', certificates.ca, ...more],
  ]

  const atTerminal = (...more: readonly string[]) =>
    new PseudoTerminal([process.execPath, PROGRAM, ...words(...more)], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, HOME: folder.path, TERM: 'xterm' },
    })

  it('plays a script', async () => {
    const trace = join(folder.path, 'script.trace')
    const input = `user ${SEED_USER}\npass ${SEED_PASSWORD}\nstat\nretr 9\n`
    const { code, stdout, stderr } = await popkeep(words('--trace', trace), { input })
    expect({ code, stderr: stderr.toString() }).toEqual({ code: 0, stderr: '' })
    expect(stdout.toString().split('\r\n').slice(1)).toEqual([
      '+OK Password required for paul.',
      '+OK paul has 6 messages (12576 octets).',
      '+OK 6 12576',
      expect.stringMatching(/^-ERR /),
      '+OK Pop server at quest.net.kiae.su signing off.',
      '',
    ])
    expect(readFileSync(trace, 'utf8')).toContain('C: pass ***')
    expect(readFileSync(trace, 'utf8')).not.toContain(SEED_PASSWORD)
  })

  it('plays a script behind a login of its own', async () => {
    const env = { POPKEEP_PASSWORD: SEED_PASSWORD }
    const run = await popkeep(words('--login'), { input: 'stat\nquit\n', env })
    expect([run.code, run.stdout.toString()]).toEqual([
      0,
      '+OK 6 12576\r\n+OK Pop server at quest.net.kiae.su signing off.\r\n',
    ])
  })

  it('says nothing secret where the certificate is not trusted', async () => {
    const input = `user ${SEED_USER}\npass ${SEED_PASSWORD}\n`
    const run = await popkeep(words().slice(0, 2), { input })
    expect([run.code, run.stdout.toString()]).toEqual([76, ''])
  })

  describe.skipIf(!hasPseudoTerminal)('at a terminal', () => {
    it('shows the session, and asterisks for the password', async () => {
      const trace = join(folder.path, 'terminal.trace')
      await using terminal = atTerminal('--trace', trace)
      await terminal.until('+OK QPOP')
      terminal.type(`user ${SEED_USER}\r`)
      await terminal.until('+OK Password required')
      for (const key of `pass ${SEED_PASSWORD}`) terminal.type(key)
      await terminal.until(`pass ${'*'.repeat(SEED_PASSWORD.length)}`)
      terminal.type('\r')
      await terminal.until('+OK paul has 6 messages')
      // The line before the password: that is not in the history.
      terminal.type('\x1b[A')
      await terminal.until('user paul')
      terminal.type('\x15retr 4\r')
      await terminal.until('Alexander\r\n\r\n.\r\n')
      terminal.type(CTRL_D)
      await terminal.until('quit\r\n+OK Pop server at quest.net.kiae.su signing off.')
      expect(await terminal.ended()).toBe(0)
      expect(terminal.shown).not.toContain(SEED_PASSWORD)
      expect(terminal.shown).not.toContain(SEED_PASSWORD.slice(0, 3))
      expect(readFileSync(trace, 'utf8')).not.toContain(SEED_PASSWORD)
    })

    it('ends at once on Ctrl-C', async () => {
      await using terminal = atTerminal()
      await terminal.until('+OK QPOP')
      terminal.type(`pass ${SEED_PASSWORD}${CTRL_C}`)
      expect(await terminal.ended()).toBe(130)
      expect(terminal.shown).toContain('popkeep: interrupted; without QUIT the server deletes')
      expect(terminal.shown).not.toContain(SEED_PASSWORD)
    })
  })
})

describe.skipIf(isDovecotMissing())('popkeep console at Dovecot', () => {
  const folder = temporaryFolder('console-dovecot')
  afterAll(() => folder.remove())

  it('hears its replies whole, behind STLS, also where no RFC has them', async () => {
    const dovecot = await startDovecot({ maildrops: { me: 'two words' } })
    try {
      const ir = Buffer.from('\0me\0two words').toString('base64')
      const lines = ['auth', 'capa', 'help', 'auth plain', ir, 'list', 'uidl', 'stat']
      const trace = join(folder.path, 'trace')
      const run = await popkeep(
        [
          ...['console', `pop://me@127.0.0.1:${dovecot.port}`, '--tls-ca', dovecot.caPem],
          ...['--trace', trace],
        ],
        { input: lines.join('\n') },
      )
      const said = run.stdout.toString()
      expect([run.code, run.stderr.toString()]).toEqual([0, ''])
      expect(said).toMatch(
        /^\+OK [^\r]*\r\n\+OK\r\n(?:[A-Z0-9-]+\r\n)*PLAIN\r\n(?:[A-Z0-9-]+\r\n)*\.\r\n\+OK\r\nCAPA\r\n/,
      )
      expect(said).toContain('-ERR Unknown command.\r\n+ \r\n+OK Logged in.\r\n')
      expect(said).toMatch(/\+OK 0 0\r\n\+OK Logging out\.?[^\r]*\r\n$/)
      expect(readFileSync(trace, 'utf8')).not.toContain(ir)
    } finally {
      await dovecot.stop()
    }
  })
})
