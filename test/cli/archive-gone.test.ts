/** Commands that read archives, where one that a sync made is gone: none leaves it out in silence. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { popkeepHere } from '../faults/program.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const OCTETS = Buffer.from('Subject: hello\r\n\r\nText.\r\n')
const ID = createHash('sha256').update(OCTETS).digest('hex')

let server: Pop3Server
let connections = 0
let folder: TemporaryFolder
const folders: TemporaryFolder[] = []

beforeAll(async () => {
  const maildrops = ['a', 'b', 'c'].map((user) => {
    const source = new MemoryMaildrop([{ octets: OCTETS, uniqueId: 'u1' }])
    return { user, secret: 'pw', source }
  })
  server = await listen({
    ...{ host: '127.0.0.1', port: 0, maildrops },
    personality: qpopper({ hostName: 'test', now: () => 0, pid: () => ++connections }),
    onFault: () => undefined,
  })
})

afterAll(async () => {
  await server.close()
  for (const one of folders) one.remove()
})

const at = (name: string) => join(folder.path, name)

const popkeep = async (...args: readonly string[]) =>
  await popkeepHere([...args, ...(args.includes('--archive') ? [] : ['--config', at('config')])], {
    HOME: at('home'),
  })

function account(name: string, archive: string): string {
  const fields = `host = "127.0.0.1"\nport = ${server.port}\nuser = "${name}"\ntls = "none"\n`
  return `[accounts.${name}]\n${fields}password_file = "${at('pw')}"\narchive = "${archive}"\n`
}

const gone = () => `maildir:${at('off/mail')}`

/** Two archives, of which one is gone, and one that no sync has made. */
beforeEach(async () => {
  folder = temporaryFolder('archive-gone')
  folders.push(folder)
  for (const name of ['home', 'on', 'off']) mkdirSync(at(name))
  writeFileSync(at('pw'), 'pw', { mode: 0o600 })
  const accounts = [
    account('a', `sqlite:${at('on/a.sqlite')}`),
    account('b', gone()),
    account('c', gone()),
    account('later', `sqlite:${at('on/later.sqlite')}`),
  ]
  writeFileSync(at('config'), accounts.join(''), { mode: 0o600 })
  expect((await popkeep('sync', 'a', 'b', 'c')).exit).toBe(0)
})

const named = (archive: string) =>
  `popkeep: ${archive} was there before, and now it is gone. Mount its disk, or put back a backup; ` +
  'where it was moved, change archive in the config, or --archive; sync --new-archive begins an empty one there, and retrieves all once more.\n'

const reading = (): readonly (readonly string[])[] => [
  ['verify'],
  ['verify', '--json'],
  ['list'],
  ['show', ID],
  ['export', at('out')],
  ['repair'],
  ['status'],
]

describe('an archive that is gone', () => {
  it('is named by each command that reads, which does the rest and ends with 73', async () => {
    for (const args of reading()) {
      const { exit, stderr } = await popkeep(...args)
      expect([args, exit, stderr]).toEqual([args, 0, ''])
    }
    renameSync(at('off'), at('elsewhere'))
    for (const isMounted of [false, true]) {
      if (isMounted) mkdirSync(at('off'))
      for (const args of reading()) {
        const { exit, stdout, stderr } = await popkeep(...args)
        expect([args, exit, stderr]).toEqual([args, 73, named(gone())])
        expect(stdout).not.toBe('')
      }
    }
  })

  it('is named also where it is the only one, or the one that is asked for', async () => {
    renameSync(at('off'), at('elsewhere'))
    renameSync(at('on'), at('elsewhere/on'))
    for (const args of reading()) {
      const { exit, stdout, stderr } = await popkeep(...args)
      const all = named(`sqlite:${at('on/a.sqlite')}`) + named(gone())
      expect([args, exit, stdout, stderr]).toEqual([args, 73, '', all])
      const one = await popkeep(...args, '--archive', gone())
      expect([args, one.exit, one.stderr]).toEqual([args, 73, named(gone())])
    }
    const before = connections
    const against = await popkeep('verify', '--against', 'b')
    expect([against.exit, against.stderr, connections]).toEqual([73, named(gone()), before])
  })

  it('is told of once by a sync of all its accounts', async () => {
    renameSync(at('off'), at('elsewhere'))
    const { exit, stderr } = await popkeep('sync', 'a', 'b', 'c')
    expect(exit).toBe(1)
    expect(stderr).toBe(named(gone()).replace('popkeep: ', 'popkeep: b, c: '))
    const { stdout } = await popkeep('sync', 'b', 'c', '--json')
    expect(stdout.match(/"code":"ARCHIVE_VANISHED"/g)).toHaveLength(2)
  })

  it('is one behind a link to a disk that is off', async () => {
    symlinkSync(at('nowhere'), at('home/Mail'))
    writeFileSync(at('config'), account('d', 'sqlite:~/Mail/d.sqlite'), { flag: 'a' })
    const { exit, stderr } = await popkeep('verify')
    expect([exit, stderr]).toEqual([
      73,
      `popkeep: sqlite:${at('home/Mail/d.sqlite')}: ${at('home/Mail')} is a link, and leads nowhere. Mount its disk, or mend the link.\n`,
    ])
  })
})

describe('an archive that no sync has made', () => {
  it('is still none that is missed, and asks for a sync where it is the only one', async () => {
    const { exit, stderr } = await popkeep('list', '--archive', `sqlite:${at('on/later.sqlite')}`)
    expect(exit).toBe(64)
    expect(stderr).toContain('popkeep sync creates an archive')
  })
})

describe('status', () => {
  it('names accounts of the config that never came into their archive', async () => {
    const fresh = account('anna', `sqlite:${at('on/a.sqlite')}`)
    writeFileSync(at('config'), fresh, { flag: 'a' })
    expect((await popkeep('sync', 'anna')).exit).toBe(77)
    const { exit, stdout, stderr } = await popkeep('status')
    expect([exit, stderr]).toEqual([0, ''])
    const unsynced = stdout.split('\n').filter((line) => line.includes('never synced'))
    expect(unsynced).toEqual([
      '  anna: in the config, never synced',
      '  later: in the config, never synced',
    ])
    expect(stdout).toContain(`sqlite:${at('on/later.sqlite')}\n  not there yet\n  later:`)
    const lines = (await popkeep('status', '--json')).stdout.trimEnd().split('\n')
    const archives = lines.map((line): Record<string, unknown> => JSON.parse(line))
    expect(archives.map(({ neverSynced }) => neverSynced)).toEqual([['anna'], [], ['later']])
    const keys = archives.map((archive) => Object.keys(archive).sort())
    expect(keys).toEqual([keys[0], keys[0], keys[0]])
  })

  it('knows an account by user and host that has a new name since, and misses none without its config', async () => {
    const renamed = readFileSync(at('config'), 'utf8').replace('[accounts.a]', '[accounts.new]')
    writeFileSync(at('config'), renamed)
    expect((await popkeep('status')).stdout).not.toContain('new: in the config')
    const { stdout } = await popkeep('status', '--json', '--archive', gone())
    expect(JSON.parse(stdout)).toMatchObject({ neverSynced: null })
  })
})
