/** An archive that vanished, with its disk or by a slip of its owner, is not silently made anew. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { popkeepHere } from '../faults/program.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const ADVICE =
  'Mount its disk, or put back a backup; where it was moved, change archive in the config, or --archive; ' +
  'sync --new-archive begins an empty one there, and retrieves all once more.'

const OCTETS = Buffer.from('Subject: hello\r\n\r\nText.\r\n')

let server: Pop3Server
let connections = 0
let folder: TemporaryFolder
const folders: TemporaryFolder[] = []

beforeAll(async () => {
  const source = new MemoryMaildrop([{ octets: OCTETS, uniqueId: 'u1' }])
  server = await listen({
    ...{ host: '127.0.0.1', port: 0, maildrops: [{ user: 'me', secret: 'pw', source }] },
    personality: qpopper({ hostName: 'test', now: () => 0, pid: () => ++connections }),
    onFault: () => undefined,
  })
})

beforeEach(() => {
  folder = temporaryFolder('new-archive')
  folders.push(folder)
  mkdirSync(at('home'))
  mkdirSync(at('disk'))
})

afterAll(async () => {
  await server.close()
  for (const one of folders) one.remove()
})

const at = (name: string) => join(folder.path, name)
const record = () => at('home/.local/state/popkeep/archives')

async function sync(archive: string, ...more: readonly string[]) {
  const url = `pop://me@127.0.0.1:${server.port}`
  const args = ['sync', url, '--tls', 'none', '--archive', archive, ...more]
  return await popkeepHere(args, { HOME: at('home'), POPKEEP_PASSWORD: 'pw' })
}

const quiet = { exit: 0, stdout: '', stderr: '' }

describe.each(['sqlite', 'maildir'] as const)('a %s archive that vanished', (kind) => {
  // The disk is mounted at the folder of the file, and at the Maildir itself.
  const archive = () => `${kind}:${at(kind === 'sqlite' ? 'disk/mail.sqlite' : 'disk')}`

  function unmount(): void {
    cpSync(at('disk'), at('elsewhere'), { recursive: true })
    rmSync(at('disk'), { recursive: true })
    mkdirSync(at('disk'))
  }

  it('ends its sync with 73 before anything is made or asked for', async () => {
    expect(await sync(archive())).toEqual(quiet)
    unmount()
    const before = connections
    for (const more of [[], ['--dry-run'], ['--quiet'], ['--wait']]) {
      const { exit, stdout, stderr } = await sync(archive(), ...more)
      expect([exit, stdout]).toEqual([73, ''])
      expect(stderr).toBe(
        `popkeep: me@127.0.0.1: ${archive()} was there before, and now it is gone. ${ADVICE}\n`,
      )
    }
    expect(connections).toBe(before)
    expect(existsSync(at('disk/mail.sqlite')) || existsSync(at('disk/new'))).toBe(false)
  })

  it('is used again once it is back, and made anew only where its owner says so', async () => {
    await sync(archive())
    unmount()
    const anew = await sync(archive(), '--new-archive')
    expect(anew).toEqual({ ...quiet, stderr: `popkeep: me@127.0.0.1: new archive: ${archive()}\n` })
    rmSync(at('disk'), { recursive: true })
    cpSync(at('elsewhere'), at('disk'), { recursive: true })
    expect(await sync(archive())).toEqual(quiet)
    expect(readFileSync(record(), 'utf8')).toBe(`${JSON.stringify(archive())}\n`)
  })
})

describe('an archive at a place where none was', () => {
  it('is told of, also where nobody looks on, but for the first of all', async () => {
    expect(await sync(`sqlite:${at('disk/mail.sqlite')}`)).toEqual(quiet)
    const slip = `sqlite:${at('disk/mial.sqlite')}`
    const { exit, stderr } = await sync(slip, '--quiet')
    expect([exit, stderr]).toEqual([0, `popkeep: me@127.0.0.1: new archive: ${slip}\n`])
    expect(await sync(slip)).toEqual(quiet)
    const first = await sync(`maildir:${at('disk/mail')}`, '--json')
    expect(first.stdout).toContain('"code":"NEW_ARCHIVE"')
  })

  it('may lack its folder, but not the one above', async () => {
    expect((await sync(`sqlite:${at('disk/Mail/mail.sqlite')}`)).exit).toBe(0)
    const deep = `sqlite:${at('dsik/Mail/mail.sqlite')}`
    const { exit, stderr } = await sync(deep)
    expect([exit, existsSync(at('dsik'))]).toEqual([73, false])
    expect(stderr).toContain(`${deep}: there is no folder ${at('dsik')}. Check the path`)
    expect((await sync(deep, '--new-archive')).exit).toBe(0)
  })

  it('is not the end of a link that leads nowhere', async () => {
    symlinkSync(at('disk/mail.sqlite'), at('home/mail.sqlite'))
    const { exit, stderr } = await sync(`sqlite:${at('home/mail.sqlite')}`)
    expect([exit, existsSync(at('disk/mail.sqlite'))]).toEqual([73, false])
    expect(stderr).toContain('is a link, and leads nowhere')
  })

  it('is not behind a link that leads nowhere, nor below a file', async () => {
    symlinkSync(at('off'), at('home/Mail'))
    for (const kind of ['sqlite', 'maildir']) {
      for (const more of [[], ['--new-archive']]) {
        const { exit, stderr } = await sync(`${kind}:${at('home/Mail/mail')}`, ...more)
        expect(exit).toBe(73)
        expect(stderr).toBe(
          `popkeep: me@127.0.0.1: ${kind}:${at('home/Mail/mail')}: ${at('home/Mail')} is a link, and leads nowhere. ` +
            'Mount its disk, or mend the link.\n',
        )
      }
    }
    writeFileSync(at('disk/file'), '')
    const { exit, stderr } = await sync(`sqlite:${at('disk/file/Mail/mail.sqlite')}`)
    expect(exit).toBe(73)
    expect(stderr).toContain(`mail.sqlite: ${at('disk/file')} is no folder. Check the path.\n`)
  })

  it('takes its mail also where it cannot be remembered, and says so when it is made', async () => {
    mkdirSync(dirname(dirname(record())), { recursive: true })
    writeFileSync(dirname(record()), 'no folder')
    const archive = `sqlite:${at('disk/mail.sqlite')}`
    const { exit, stderr } = await sync(archive, '--quiet')
    expect(exit).toBe(0)
    expect(stderr).toMatch(/new archive: .*\npopkeep: .*this archive cannot be remembered, .*\n$/)
    expect(await sync(archive)).toEqual(quiet)
    expect((await sync(archive, '--verbose')).stderr).toContain('this archive cannot be remembered')
  })

  it('takes its mail also where the record is a file of any size', async () => {
    mkdirSync(dirname(record()), { recursive: true })
    writeFileSync(record(), '')
    truncateSync(record(), 3e9)
    const { exit, stderr } = await sync(`sqlite:${at('disk/mail.sqlite')}`)
    expect(exit).toBe(0)
    expect(stderr).toContain(`${record()} is too large to be popkeep's`)
  })
})

describe('an account that never logged in', () => {
  it('is not in the archive; one that did has its failures there', async () => {
    const archive = `sqlite:${at('disk/mail.sqlite')}`
    expect((await sync(archive)).exit).toBe(0)
    const env = { HOME: at('home'), POPKEEP_PASSWORD: 'wrong' }
    for (const user of ['me', 'mee']) {
      const url = `pop://${user}@127.0.0.1:${server.port}`
      const args = ['sync', url, '--tls', 'none', '--archive', archive]
      expect((await popkeepHere(args, env)).exit).toBe(77)
    }
    const { stdout } = await popkeepHere(['status', '--json', '--archive', archive], env)
    const { accounts } = JSON.parse(stdout) as { accounts: readonly Record<string, unknown>[] }
    expect(accounts).toMatchObject([
      { name: 'me@127.0.0.1', lastRun: { outcome: 'LOGIN_REFUSED' } },
    ])
  })
})

describe('a Maildir without its state file', () => {
  it('is no archive that vanished', async () => {
    const archive = `maildir:${at('disk/mail')}`
    await sync(archive)
    rmSync(at('disk/mail/popkeep.sqlite'))
    expect((await sync(archive)).exit).toBe(0)
  })
})
