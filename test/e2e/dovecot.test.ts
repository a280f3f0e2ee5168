/** The built command against a real Dovecot. Skipped, with one line, where there is none. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { digestsIn, query } from '../support/archive-content.ts'
import {
  type ExpectedMessage,
  fillMaildir,
  mixedCorpus,
  oddMessages,
  wireOctets,
} from '../support/corpus.ts'
import { type Dovecot, dovecotVersion, startDovecot } from '../support/dovecot.ts'
import { popkeep, printed, type RunOptions, startPopkeep } from '../support/popkeep.ts'
import { makeRandom } from '../support/random.ts'
import { startTap, type Tap } from '../support/tap.ts'
import { temporaryFolder } from '../support/temp.ts'

const MESSAGES = 1000
const isRequired = process.env.POPKEEP_REQUIRE_DOVECOT === '1'
const isInstalled = dovecotVersion() !== undefined
if (!isInstalled && !isRequired) {
  console.warn(
    'Dovecot is not installed (package dovecot-pop3d): its end-to-end tests are skipped.',
  )
}

const maildrops = { both: 'pw both', emptied: 'pw emptied', killed: 'pw killed', small: 'pw small' }
type User = keyof typeof maildrops

describe.skipIf(!isInstalled && !isRequired)('popkeep against Dovecot', () => {
  const folder = temporaryFolder('e2e')
  let dovecot: Dovecot
  let tap: Tap
  const expected = {} as Record<User, readonly ExpectedMessage[]>

  beforeAll(async () => {
    dovecot = await startDovecot({ maildrops })
    tap = await startTap(dovecot.port)
    const random = makeRandom(3)
    expected.both = fillMaildir(dovecot.maildirOf('both'), mixedCorpus(MESSAGES))
    expected.emptied = fillMaildir(dovecot.maildirOf('emptied'), oddMessages(random))
    expected.killed = fillMaildir(dovecot.maildirOf('killed'), mixedCorpus(400))
    expected.small = fillMaildir(dovecot.maildirOf('small'), mixedCorpus(100))
  })

  afterAll(async () => {
    await tap?.close()
    await dovecot?.stop()
    folder.remove()
  })

  const archiveAt = (kind: string, name: string) =>
    `${kind}:${join(folder.path, `${name}.${kind}`)}`

  /** Over implicit TLS, the CA known. */
  const overTls = (user: User, archive: string, ...more: readonly string[]) =>
    ['sync', `pops://${user}@127.0.0.1:${dovecot.tlsPort}`, '--archive', archive]
      .concat(['--tls-ca', dovecot.caPem, '--account', user])
      .concat(more)
  /** In clear text through the tap, which sees the commands. */
  const throughTap = (user: User, archive: string, ...more: readonly string[]) =>
    ['sync', `pop://${user}@127.0.0.1:${tap.port}`, '--archive', archive]
      .concat(['--tls', 'none', '--account', user])
      .concat(more)
  const as = (user: User): RunOptions => ({ env: { POPKEEP_PASSWORD: maildrops[user] } })

  const SILENCE = { code: 0, signal: null, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }

  describe.each(['sqlite', 'maildir'])('into a %s archive', (kind) => {
    it('keeps 1,000 mixed messages byte for byte, and retrieves nothing twice', async () => {
      const archive = archiveAt(kind, 'both')
      expect(await popkeep(overTls('both', archive), as('both'))).toEqual(SILENCE)
      expect(digestsIn(archive)).toEqual(distinct(expected.both))
      expect(query(archive, 'SELECT count(*) AS receipts FROM provenance')).toEqual([
        { receipts: MESSAGES },
      ])

      const again = async () => {
        tap.take()
        expect(await popkeep(throughTap('both', archive), as('both'))).toEqual(SILENCE)
        const commands = tap.take()
        expect(commands).toContain('UIDL')
        expect(commands.at(-1)).toBe('QUIT')
        return commands.flatMap((line) => /^(RETR|TOP|DELE)\b/.exec(line)?.[0] ?? [])
      }
      // At another port of this machine five headers show that it is the same maildrop.
      expect(await again()).toEqual(Array(5).fill('TOP'))
      expect(await again()).toEqual([])
    })

    it('says so to a script', async () => {
      const archive = archiveAt(kind, 'small')
      const first = await popkeep(overTls('small', archive, '--json'), as('small'))
      const stored = jsonLines(first.stdout).filter(({ type }) => type === 'stored')
      expect(stored).toHaveLength(100)
      expect(stored.filter(({ isNew }) => isNew)).toHaveLength(distinct(expected.small).length)

      const second = await popkeep(overTls('small', archive, '--json'), as('small'))
      const plan = jsonLines(second.stdout).find(({ type }) => type === 'plan')
      expect(plan).toMatchObject({ listed: 100, known: 100, retrieve: 0, delete: 0 })
      expect([first.code, second.code, first.stderr.length]).toEqual([0, 0, 0])
    })

    it('shows the exact octets of each odd message', async () => {
      const archive = archiveAt(kind, 'odd')
      await popkeep(overTls('emptied', archive), as('emptied'))
      for (const [index, file] of oddMessages(makeRandom(3)).entries()) {
        const digest = expected.emptied[index]?.digest ?? ''
        const shown = await popkeep(['show', digest, '--raw', '--archive', archive])
        expect(shown).toEqual({ ...SILENCE, stdout: wireOctets(file) })
      }
    })

    it('completes after kill -9 in the middle, each message once', async () => {
      const archive = archiveAt(kind, 'killed')
      const octets = expected.killed.reduce((sum, message) => sum + message.octets, 0)
      const held = tap.holdAfter(octets / 2)
      const running = startPopkeep(throughTap('killed', archive, '--json'), as('killed'))
      await held
      expect(await printed(running, '"stored"', 100)).toBe(true)
      running.child.kill('SIGKILL')
      expect((await running.finished).signal).toBe('SIGKILL')

      tap.release()
      tap.take()
      expect(await popkeep(throughTap('killed', archive), as('killed'))).toEqual(SILENCE)
      const retrieved = tap.take().filter((line) => line.startsWith('RETR')).length
      expect(retrieved).toBeLessThanOrEqual(300)
      expect(retrieved).toBeGreaterThan(0)
      expect(digestsIn(archive)).toEqual(distinct(expected.killed))
      expect((await popkeep(['verify', '--archive', archive])).code).toBe(0)
      if (kind === 'maildir') expect(readdirSync(`${archive.slice(8)}/tmp`)).toEqual([])
      else
        expect(
          query(
            archive,
            'SELECT count(*) AS n FROM piece WHERE series NOT IN (SELECT series FROM content WHERE series IS NOT NULL)',
          ),
        ).toEqual([{ n: 0 }])
    })
  })

  it('lets one of two runs at once have the account; the other leaves with 75', async () => {
    const archive = archiveAt('sqlite', 'twice')
    const held = tap.holdAfter(100_000)
    const first = startPopkeep(throughTap('small', archive), as('small'))
    await held
    const second = await popkeep(overTls('small', archive), as('small'))
    expect(second.code).toBe(75)
    expect(second.stderr.toString()).toMatch(/^popkeep: .+\n$/)
    tap.release()
    expect(await first.finished).toEqual(SILENCE)
    expect(digestsIn(archive)).toEqual(distinct(expected.small))
  })

  it('deletes on request, after all is retrieved and stored', async () => {
    const archive = archiveAt('sqlite', 'deleted')
    const listed = expected.emptied.length
    tap.take()
    expect(
      await popkeep(throughTap('emptied', archive, '--dry-run', '--delete'), as('emptied')),
    ).toMatchObject({ code: 0 })
    expect(tap.take().filter((line) => /^(RETR|DELE)/.test(line))).toEqual([])

    expect(await popkeep(throughTap('emptied', archive, '--delete'), as('emptied'))).toEqual(
      SILENCE,
    )
    const commands = tap.take().map((line) => line.split(' ')[0] ?? '')
    expect(commands.filter((verb) => verb === 'RETR')).toHaveLength(listed)
    expect(commands.filter((verb) => verb === 'DELE')).toHaveLength(listed)
    expect(commands.lastIndexOf('RETR')).toBeLessThan(commands.indexOf('DELE'))
    expect(commands.at(-1)).toBe('QUIT')

    // Another port of this machine may be another maildrop: an empty one is no proof that these are gone.
    expect(await popkeep(overTls('emptied', archive), as('emptied'))).toEqual(SILENCE)
    const states = 'SELECT DISTINCT epoch, state FROM receipt'
    expect(query(archive, states)).toEqual([{ epoch: 1, state: 'delete sent' }])
    expect(await popkeep(throughTap('emptied', archive), as('emptied'))).toEqual(SILENCE)
    const maildir = dovecot.maildirOf('emptied')
    expect(readdirSync(join(maildir, 'new')).concat(readdirSync(join(maildir, 'cur')))).toEqual([])
    expect(query(archive, 'SELECT DISTINCT state FROM provenance')).toEqual([{ state: 'deleted' }])
    expect(await popkeep(['verify', '--archive', archive])).toMatchObject({ code: 0 })
    expect(digestsIn(archive)).toEqual(distinct(expected.emptied))
  })

  it('leaves with 130 on Ctrl-C in the middle, deletes nothing, and goes on in the next run', async () => {
    const archive = archiveAt('sqlite', 'interrupted')
    tap.take()
    const held = tap.holdAfter(1_000_000)
    const running = startPopkeep(throughTap('small', archive, '--delete'), as('small'))
    await held
    running.child.kill('SIGINT')
    expect(await running.finished).toMatchObject({ code: 130, stdout: Buffer.alloc(0) })
    tap.release()
    expect(tap.take().filter((line) => /^(DELE|QUIT)/.test(line))).toEqual([])
    expect(await popkeep(overTls('small', archive), as('small'))).toEqual(SILENCE)
    expect(digestsIn(archive)).toEqual(distinct(expected.small))
  })

  it('syncs the accounts of a config, and one that fails does not stop the others', async () => {
    const home = join(folder.path, 'home')
    const config = join(home, '.config/popkeep')
    mkdirSync(config, { recursive: true })
    const account = (name: string, user: User, password: string) => {
      writeFileSync(join(home, `${name}.password`), `${password}\n`, { mode: 0o600 })
      return `[accounts.${name}]
host = "127.0.0.1"
port = ${dovecot.port}
tls = "none"
user = "${user}"
password_file = "~/${name}.password"
`
    }
    const write = (...accounts: readonly string[]) =>
      writeFileSync(join(config, 'config.toml'), `archive = "sqlite:~/all"\n${accounts.join('')}`)
    const archive = `sqlite:${join(home, 'all')}`

    write(account('one', 'small', 'no'), account('two', 'both', maildrops.both))
    const first = await popkeep(['sync'], { home })
    expect(first).toMatchObject({ code: 1, stdout: Buffer.alloc(0) })
    expect(first.stderr.toString()).toMatch(/^popkeep: [^\n]*one[^\n]*\n$/)
    expect(digestsIn(archive)).toEqual(distinct(expected.both))

    write(account('one', 'small', maildrops.small), account('two', 'both', maildrops.both))
    expect(await popkeep(['sync'], { home })).toEqual(SILENCE)
    const both = distinct([...expected.both, ...expected.small])
    expect(digestsIn(archive)).toEqual(both)
    const listed = await popkeep(['list', '--json'], { home })
    expect(
      jsonLines(listed.stdout)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(both)
  })

  it('leaves with 77 where the password is wrong, and says what the server said', async () => {
    const archive = archiveAt('sqlite', 'wrong')
    const run = await popkeep(overTls('small', archive), { env: { POPKEEP_PASSWORD: 'secret?' } })
    expect(run).toMatchObject({ code: 77, stdout: Buffer.alloc(0) })
    expect(run.stderr.toString()).toContain('Authentication failed')
    expect(run.stderr.toString()).not.toContain('secret?')
  })

  it('leaves with 76 where the certificate is signed by nobody it knows, before any password', async () => {
    const archive = archiveAt('sqlite', 'self-signed')
    const untrusted = overTls('small', archive).filter(
      (word) => !['--tls-ca', dovecot.caPem].includes(word),
    )
    const run = await popkeep(untrusted, as('small'))
    expect(run).toMatchObject({ code: 76, stdout: Buffer.alloc(0) })
  })
})

function distinct(messages: readonly ExpectedMessage[]): readonly string[] {
  return [...new Set(messages.map(({ digest }) => digest))].sort()
}

function jsonLines(stdout: Buffer): readonly Record<string, unknown>[] {
  return stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}
