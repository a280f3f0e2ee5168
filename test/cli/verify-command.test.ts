/** `popkeep verify` and `popkeep repair` from command line to exit code. */
import { EventEmitter } from 'node:events'
import { existsSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { ArchiveLocation } from '../../src/archive/location.ts'
import { formatLocation, parseLocation } from '../../src/archive/location.ts'
import { describeFailure } from '../../src/cli/failure.ts'
import { run } from '../../src/cli/main.ts'
import { archiveLockPath, Lock } from '../../src/durable/lock.ts'
import { listen } from '../../src/server/listen.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { fileOf, maildropOf, mailFiles, samples, syncWith } from '../archive/repair-cases.ts'
import { sampleMessage, useArchive } from '../archive/sample-archive.ts'
import { query, temporaryLocation } from '../archive/temp-archive.ts'
import { startTap } from '../support/tap.ts'

const COUNT = 12

async function popkeep(...argv: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = await run(argv, {
    ...{ stdin: new PassThrough(), stdout, stderr },
    env: { HOME: '/nowhere', POPKEEP_PASSWORD: 'secret' },
    signals: new EventEmitter(),
    invocation: 'popkeep',
    quit: () => undefined,
    now: Date.now,
  })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const who = { name: 'work', host: '127.0.0.1', user: 'me' }

async function filled(kind: 'sqlite' | 'maildir', refuses: readonly number[] = []) {
  const location = temporaryLocation(kind)
  const maildrop = maildropOf(COUNT)
  maildrop.options = { refuses: new Set(refuses) }
  await syncWith(maildrop, location, undefined, who)
  return { location, archive: formatLocation(location) }
}

function alter(location: ArchiveLocation, n: number): void {
  const [row] = query(location, `SELECT lower(hex(digest)) AS hex FROM message WHERE id = ${n + 1}`)
  const path = location.kind === 'sqlite' ? location.path : fileOf(location, String(row?.hex))
  const file = readFileSync(path)
  file[file.indexOf(`body ${n}`)] = 0x42
  writeFileSync(path, file)
}

const jsonLines = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('popkeep verify', () => {
  it('says of a sample how many of how many it read', async () => {
    const { archive } = await filled('sqlite')
    const { exit, stdout, stderr } = await popkeep(
      'verify',
      '--archive',
      archive,
      '--sample',
      '25%',
    )
    expect([exit, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/: 3 of 12 messages \(.*\) verified, all as they were stored\n$/)
    const inJson = await popkeep('verify', '--archive', archive, '--sample', '5%', '--json')
    expect(jsonLines(inJson.stdout)).toMatchObject([{ type: 'summary', ok: 1, of: 12 }])
  })

  it('remembers within a budget what it read', async () => {
    const { archive, location } = await filled('maildir')
    const { exit, stdout, stderr } = await popkeep(
      'verify',
      '--archive',
      archive,
      '--budget',
      '10m',
    )
    expect([exit, stderr]).toEqual([0, ''])
    expect(stdout).toContain('12 of 12 messages')
    expect(query(location, 'SELECT count(verified_at) AS n FROM message')).toEqual([{ n: COUNT }])
  })

  it('says that it cannot remember while a repair is at work, and is no failure', async () => {
    const { archive, location } = await filled('sqlite')
    const lock = new Lock(archiveLockPath(location.path))
    lock.acquire('exclusive')
    const { exit, stdout, stderr } = await popkeep(
      'verify',
      '--archive',
      archive,
      '--budget',
      '10m',
    )
    lock.close()
    expect(exit).toBe(0)
    expect(stdout).toContain('12 of 12 messages')
    expect(stderr).toMatch(
      /^popkeep: what was verified cannot be remembered[^\n]*another run[^\n]*\n$/,
    )
  })

  it('names so many as a person reads, by ids that show takes; with --json all of them', async () => {
    const location = temporaryLocation('sqlite')
    await syncWith(maildropOf(25), location, undefined, who)
    useArchive(location, ({ database }) => database.exec('DELETE FROM content WHERE message > 2'))
    const archive = formatLocation(location)
    const { exit, stderr } = await popkeep('verify', '--archive', archive)
    expect(exit).toBe(65)
    const ids = [...stderr.matchAll(/: message ([0-9a-f]{12}) is missing: its octets are gone\./g)]
    expect(ids).toHaveLength(20)
    expect(stderr).toContain(`${archive}: and 3 more missing (--json lists all)\n`)
    expect((await popkeep('show', String(ids[0]?.[1]), '--archive', archive)).stderr).not.toContain(
      'no message',
    )
    const inJson = await popkeep('verify', '--archive', archive, '--json')
    expect(jsonLines(inJson.stdout).filter(({ kind }) => kind === 'missing')).toHaveLength(23)
    expect(inJson.stderr).toMatch(/: and 3 more missing\n/)
    const repaired = await popkeep('repair', '--archive', archive)
    expect(repaired.stderr).toContain(
      ': and 3 more lost or altered (popkeep verify --json lists all)',
    )
  })

  it.each([
    ['verify', 'work', 'popkeep verify --against work compares'],
    ['verify', 'work', 'For its archive alone: popkeep verify --archive sqlite:/m.sqlite'],
    ['list', 'work', 'popkeep list --account work'],
    ['status', 'work', 'popkeep status --archive sqlite:/m.sqlite'],
    ['repair', 'work', 'popkeep repair --archive sqlite:/m.sqlite'],
    ['verify', 'sqlite:/a b', "popkeep verify --archive 'sqlite:/a b'"],
    ['verify', 'home', 'no account is called home; an archive is named by --archive'],
    ['verify', 'pops://me:secret@host', 'popkeep verify --against POP-URL'],
  ])('%s says what a word was meant to be: %s', async (command, word, words) => {
    const config = join(temporaryLocation('maildir').path, '..', 'config.toml')
    const account = '[accounts.work]\nhost = "pop.example.com"\nuser = "me"\n'
    writeFileSync(config, `archive = "sqlite:/m.sqlite"\n\n${account}`)
    const { exit, stdout, stderr } = await popkeep(command, word, '--config', config)
    expect([exit, stdout]).toEqual([64, ''])
    expect(stderr).toContain(words)
    expect(stderr).not.toContain('secret')
  })

  it.each([
    [['--sample', '0%']],
    [['--sample', '101%']],
    [['--sample', '5']],
    [['--budget', '10']],
    [['--budget', '1m', '--sample', '5%']],
    [['--against', 'work', '--sample', '5%']],
    [['--tls', 'none']],
  ])('with %j leaves with 64', async (words) => {
    const { archive } = await filled('sqlite')
    const { exit, stdout, stderr } = await popkeep('verify', '--archive', archive, ...words)
    expect([exit, stdout]).toEqual([64, ''])
    expect(stderr).toMatch(/^popkeep: [^\n]+\n$/)
  })
})

describe.each(['sqlite', 'maildir'] as const)('a damaged %s archive', (kind) => {
  it('can be mended by following what verify says', async () => {
    const { archive, location } = await filled(kind)
    alter(location, 5)
    const named = await popkeep('verify', '--archive', archive)
    expect(named.exit).toBe(65)
    expect(named.stderr).toMatch(
      /^popkeep: .* is altered: .*\npopkeep: popkeep repair --archive .* popkeep sync .*\n$/,
    )
    const [command = ''] = /popkeep repair --archive \S+/.exec(named.stderr) ?? []
    const repaired = await popkeep(...command.split(' ').slice(1))
    expect(repaired.exit).toBe(1)
    expect(repaired.stdout).toContain(': 11 sound, 1 lost or altered\n')
    expect(repaired.stderr).toMatch(/is to be retrieved again: its (octets are|file was) altered\./)
    expect(repaired.stderr).toContain('popkeep sync retrieves what was lost')
    const status = await popkeep('status', '--archive', archive)
    expect(status.stdout).toContain('1 message lost or altered')
    await syncWith(maildropOf(COUNT), location, undefined, who)
    expect(await popkeep('verify', '--archive', archive)).toMatchObject({ exit: 0, stderr: '' })
    expect(await popkeep('repair', '--archive', archive)).toMatchObject({ exit: 0, stderr: '' })
  })

  it('is left alone by repair while a run is in it', async () => {
    const { archive, location } = await filled(kind)
    const lock = new Lock(archiveLockPath(location.path))
    lock.acquire('shared')
    expect((await popkeep('repair', '--archive', archive)).exit).toBe(75)
    lock.close()
  })

  it('has each finding of a repair as an object a line', async () => {
    const { archive, location } = await filled(kind)
    alter(location, 5)
    const { stdout } = await popkeep('repair', '--archive', archive, '--json')
    const lines = jsonLines(stdout)
    expect(lines).toContainEqual(
      expect.objectContaining({ type: 'finding', kind: 'wanted', archive }),
    )
    expect(lines.at(-1)).toMatchObject({ type: 'summary', sound: 11, wanted: 1, undecided: 0 })
  })
})

describe('a Maildir whose files are gone', () => {
  async function without(count: number) {
    const maildir = await filled('maildir')
    for (const name of mailFiles(maildir.location).slice(0, count)) unlinkSync(name)
    return maildir
  }

  it('has them said once, and named from the moment that they are wanted back', async () => {
    const { archive, location } = await without(6)
    const notices: string[] = []
    for (let round = 0; round < 2; round += 1) {
      const { error } = await syncWith(maildropOf(COUNT), location, undefined, who, (event) => {
        if (event.type === 'notice' && event.isWarning) notices.push(event.text)
      })
      expect(error).toBeUndefined()
    }
    expect(notices).toEqual([
      '6 files are gone from the Maildir since the last run, and taken as removed by you; if not so: popkeep repair --retrieve-missing',
    ])
    const removed = await popkeep('verify', '--archive', archive)
    expect(removed).toMatchObject({ exit: 0, stderr: '' })
    expect(removed.stdout).toMatch(
      /, 6 no longer there \(taken as removed by you; if not so: popkeep repair --retrieve-missing\)\n$/,
    )
    await popkeep('repair', '--archive', archive, '--retrieve-missing')
    const marked = await popkeep('verify', '--archive', archive)
    expect(marked.exit).toBe(65)
    expect(marked.stderr.match(/It is marked to be retrieved again\./g)).toHaveLength(6)
    expect(marked.stderr).toMatch(
      /\npopkeep: popkeep sync retrieves again .* --accept-missing [^\n]*\n$/,
    )
    expect(marked.stderr).not.toContain('puts right what it can')
    const { stdout } = await popkeep('status', '--archive', archive)
    expect(stdout).toContain('6 messages lost or altered, to be retrieved again by the next sync')
    expect(stdout).not.toContain('removed by you')
    await syncWith(maildropOf(COUNT), location, undefined, who)
    expect(await popkeep('verify', '--archive', archive)).toMatchObject({ exit: 0, stderr: '' })
  })

  it('en masse leaves the choice to its owner, and names what he gives up', async () => {
    const { archive, location } = await without(COUNT)
    const { error } = await syncWith(maildropOf(COUNT), location, undefined, who)
    const choice = /repair --retrieve-missing .*repair --accept-missing /
    expect(describeFailure(error).sentence).toMatch(choice)
    const named = await popkeep('verify', '--archive', archive)
    expect(named.stderr).toMatch(choice)
    expect(named.stderr).not.toContain('puts right what it can')
    const given = await popkeep('repair', '--archive', archive, '--accept-missing')
    expect(given.exit).toBe(0)
    expect(given.stdout).toContain(`: 0 sound, ${COUNT} given up\n`)
    expect(given.stderr.match(/message [0-9a-f]{12} \("[^"]+"\) is given up\./g)).toHaveLength(
      COUNT,
    )
    expect(given.stderr).toContain(`no sync was asked to retrieve ${COUNT} messages`)
  })
})

describe.each(['sqlite', 'maildir'] as const)(
  'popkeep verify --against, with a %s archive',
  (kind) => {
    /** Serves these messages, and returns how verify ended and what it sent. */
    async function against(
      archive: string,
      messages: readonly { readonly octets: Uint8Array; readonly uniqueId: string }[],
      ...words: readonly string[]
    ) {
      const source = new MemoryMaildrop(messages)
      await using server = await listen({
        ...{ host: '127.0.0.1', port: 0 },
        personality: qpopper({ hostName: 'house', now: () => 0, pid: () => 1 }),
        maildrops: [{ user: 'me', secret: 'secret', source }],
        onFault: (fault) => {
          throw fault
        },
      })
      const tap = await startTap(server.port)
      const place = parseLocation(archive)
      if (existsSync(place.path)) {
        useArchive(place, ({ database }) => database.exec(`UPDATE account SET port = ${tap.port}`))
      }
      try {
        const target = `pop://me@127.0.0.1:${tap.port}`
        const ended = await popkeep(
          ...['verify', '--against', target, '--account', 'work', '--tls', 'none'],
          ...['--archive', archive, ...words],
        )
        const keywords = new Set(tap.take().map((line) => line.split(' ')[0]))
        expect(source.messages).toHaveLength(messages.length)
        return { ...ended, keywords, target }
      } finally {
        await tap.close()
      }
    }

    it('finds everything kept, by STAT, LIST, UIDL, TOP and QUIT alone', async () => {
      const { archive, location } = await filled(kind)
      const before = query(location, 'SELECT * FROM message')
      const { exit, stdout, stderr, keywords } = await against(archive, samples(COUNT))
      expect({ exit, stderr, stdout }).toEqual({
        exit: 0,
        stderr: '',
        stdout: 'work: 12 messages listed, 12 kept\n',
      })
      expect(keywords.has('QUIT')).toBe(true)
      for (const word of ['RETR', 'DELE', 'RSET']) expect(keywords.has(word)).toBe(false)
      expect(query(location, 'SELECT * FROM message')).toEqual(before)
    })

    it('names what was not retrieved, and what the server refused', async () => {
      const { archive } = await filled(kind, [3])
      const fresh = { octets: sampleMessage(77), uniqueId: 'fresh' }
      const { exit, stdout, stderr, target } = await against(archive, [...samples(COUNT), fresh])
      const sync = `popkeep sync ${target} --account work --tls none --archive ${archive}`
      expect(exit).toBe(1)
      expect(stdout).toBe(
        'work: 13 messages listed, 11 kept, 1 not retrieved yet, 1 refused by the server\n',
      )
      expect(stderr).toBe(
        'popkeep: work: message 3 (u2) is refused by the server: "-ERR poison"\n' +
          'popkeep: work: message 13 (fresh) is not retrieved yet\n' +
          `popkeep: ${sync} retrieves what is not retrieved yet.\n` +
          `popkeep: ${sync} --retry-quarantined asks once more for what the server refused.\n`,
      )
      const inJson = await against(archive, [...samples(COUNT), fresh], '--json')
      const [refused, unknown, summary] = jsonLines(inJson.stdout)
      expect([refused?.kind, unknown?.kind]).toEqual(['quarantined', 'notRetrieved'])
      expect(summary).toMatchObject({ notRetrieved: 1, anotherMessage: 0 })
    })

    it('names what is altered, short or removed, before a repair and after it', async () => {
      const { archive, location } = await filled(kind)
      useArchive(location, ({ database }) => {
        database.exec('UPDATE message SET short = 1 WHERE id = 3')
        database.exec('UPDATE message SET removed = 1 WHERE id = 4')
        database.exec("UPDATE receipt SET state = 'removed' WHERE message = 4")
        if (kind === 'sqlite') database.exec('DELETE FROM content WHERE message = 4')
      })
      alter(location, 5)
      const first = await against(archive, samples(COUNT), '--json')
      expect(first.exit).toBe(65)
      expect(first.stderr).toMatch(/^popkeep: popkeep repair --archive .* popkeep sync .*\n$/)
      const lines = jsonLines(first.stdout)
      expect(lines).toContainEqual(
        expect.objectContaining({ kind: 'altered', uniqueId: 'u5', messageNumber: 6 }),
      )
      expect(lines).toContainEqual(expect.objectContaining({ kind: 'short', uniqueId: 'u2' }))
      expect(lines.at(-1)).toMatchObject({ type: 'summary', listed: 12, short: 1, altered: 1 })
      await popkeep('repair', '--archive', archive)
      const second = await against(archive, samples(COUNT))
      expect(second.exit).toBe(65)
      const words = kind === 'sqlite' ? 'altered in the archive' : 'missing in the archive'
      expect(second.stderr).toMatch(new RegExp(`message 6 \\(u5\\) is ${words}, [0-9a-f]{12}\n`))
      // What a repair has marked wants a sync, not another repair.
      expect(second.stderr).toContain(`popkeep: popkeep sync ${second.target} --account work`)
      expect(second.stderr).toContain('retrieves again what is marked for it')
      expect(second.stderr).not.toContain('puts right what it can')
    })

    it('believes nothing of an account that is another maildrop now', async () => {
      const { archive } = await filled(kind)
      const others = samples(COUNT).map(({ uniqueId }, n) => ({
        uniqueId,
        octets: sampleMessage(500 + n),
      }))
      useArchive({ kind, path: archive.slice(kind.length + 1) }, ({ database }) =>
        database.exec("UPDATE account SET host = 'elsewhere.example.org'"),
      )
      const { exit, stdout } = await against(archive, others)
      expect([exit, stdout]).toEqual([1, 'work: 12 messages listed, 12 not retrieved yet\n'])
    })

    it('without an archive logs in nowhere', async () => {
      const { exit, keywords } = await against(formatLocation(temporaryLocation(kind)), samples(1))
      expect([exit, keywords.size]).toEqual([64, 0])
    })
  },
)
