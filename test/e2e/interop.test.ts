/** What popkeep writes is read by programs that know nothing of it: notmuch, mutt, and Python's mailbox module. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { mixedCorpus, smallCorpus, wireOctets } from '../support/corpus.ts'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const isRequired = process.env.POPKEEP_REQUIRE_DOVECOT === '1'
const tools = ['notmuch', 'mutt', 'script', 'python3'] as const
const missing = tools.filter((tool) => !isThere(tool))
if (missing.length > 0 && !isRequired) {
  console.warn(
    `Not installed: ${missing.join(', ')}. The interop tests that need them are skipped.`,
  )
}
const cannot = (...needed: readonly (typeof tools)[number][]) =>
  !isRequired && needed.some((tool) => missing.includes(tool))

const folder = temporaryFolder('interop')
const at = (name: string) => join(folder.path, name)
const ordinary = [...smallCorpus(60)].map(wireOctets)
const odd = [...mixedCorpus(60)].map(wireOctets)
let server: Pop3Server

beforeAll(async () => {
  const account = (user: string, messages: readonly Buffer[]) => ({
    user,
    secret: 'pw',
    source: new MemoryMaildrop(
      messages.map((octets, index) => ({ octets, uniqueId: `${user}${index}` })),
    ),
  })
  server = await listen({
    host: '127.0.0.1',
    port: 0,
    maildrops: [account('ordinary', ordinary), account('odd', odd)],
    personality: qpopper({ hostName: 'pop.example', now: Date.now, pid: () => 1 }),
    onFault: (fault) => {
      throw fault
    },
  })
})

afterAll(async () => {
  await server?.close()
  folder.remove()
})

async function sync(user: string, archive: string): Promise<void> {
  const url = `pop://${user}@127.0.0.1:${server.port}`
  const run = await popkeep(['sync', url, '--tls', 'none', '--archive', archive], {
    env: { POPKEEP_PASSWORD: 'pw' },
  })
  expect([run.code, run.stderr.toString()]).toEqual([0, ''])
}

describe('a Maildir archive', () => {
  it.skipIf(cannot('notmuch'))('is indexed by notmuch without a note', async () => {
    const maildir = at('notmuch')
    await sync('ordinary', `maildir:${maildir}`)
    const config = at('notmuch-config')
    writeFileSync(
      config,
      `[database]\npath=${maildir}\n[new]\ntags=\nignore=/popkeep\\.sqlite.*/\n`,
    )
    const env = { ...process.env, NOTMUCH_CONFIG: config, HOME: folder.path }
    const notmuch = (...args: readonly string[]) =>
      execFileSync('notmuch', args, { env, encoding: 'utf8', stdio: 'pipe' })
    expect(notmuch('new')).toContain(`Added ${ordinary.length} new messages to the database.`)
    expect(execFileSync('notmuch', ['new', '--full-scan'], { env, encoding: 'utf8' })).not.toMatch(
      /[Nn]ote/,
    )
    expect(notmuch('count', '--output=files', '*').trim()).toBe(String(ordinary.length))
    const [id = ''] = notmuch('search', '--output=messages', '--limit=1', '*').trim().split('\n')
    const shown = notmuch('show', '--format=raw', id)
    expect(ordinary.map(withLf)).toContain(shown)
  })

  it.skipIf(cannot('mutt', 'script'))('is opened by mutt, which sees each message', async () => {
    const maildir = at('mutt')
    await sync('ordinary', `maildir:${maildir}`)
    const copy = at('copied.mbox')
    const rc = at('muttrc')
    writeFileSync(
      rc,
      `set folder=${folder.path} mbox_type=mbox copy=no confirmappend=no confirmcreate=no wait_key=no mark_old=no
push "<tag-pattern>~A<enter><tag-prefix-cond><copy-message><kill-line>${copy}<enter><end-cond><exit>"
`,
    )
    // mutt wants a terminal; script makes one.
    execFileSync('script', ['-qec', `mutt -n -F ${rc} -R -f ${maildir}`, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', HOME: folder.path },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 60_000,
    })
    const subjects = readFileSync(copy, 'latin1').match(/^Message-ID: .*$/gim)
    expect(new Set(subjects).size).toBe(ordinary.length)
    expect(subjects).toHaveLength(ordinary.length)
  })
})

describe('exports', () => {
  it.skipIf(cannot('python3'))('mbox is read by Python, message by message', async () => {
    const archive = `sqlite:${at('mbox.sqlite')}`
    await sync('odd', archive)
    const mbox = at('export.mbox')
    const run = await popkeep(['export', mbox, '--format', 'mbox', '--archive', archive])
    expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    const program = `
import hashlib, json, mailbox, re, sys
box = mailbox.mbox(sys.argv[1], create=False)
unquoted = (re.sub(rb'^>(>*From )', rb'\\1', box.get_bytes(key), flags=re.M) for key in box.keys())
print(json.dumps([hashlib.sha256(m.rstrip(b'\\n')).hexdigest() for m in unquoted]))
`
    const read = JSON.parse(execFileSync('python3', ['-c', program, mbox], { encoding: 'utf8' }))
    const expected = new Set(odd.map((wire) => wire.toString('latin1')))
    const bodies = [...expected].map((wire) => wire.replaceAll('\r\n', '\n').replace(/\n+$/, ''))
    expect([...read].sort()).toEqual(bodies.map(sha256).sort())
  })

  it('eml files are the octets, named by their digest', async () => {
    const archive = `sqlite:${at('eml.sqlite')}`
    await sync('odd', archive)
    const tree = at('eml')
    const run = await popkeep(['export', tree, '--format', 'eml', '--archive', archive])
    expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    const names = new Set(odd.map((wire) => `${sha256(wire.toString('latin1'))}.eml`))
    expect(readdirSync(tree).sort()).toEqual([...names].sort())
    for (const name of names) {
      expect(`${sha256(readFileSync(join(tree, name), 'latin1'))}.eml`).toBe(name)
    }
  })

  it('sqlite to maildir to sqlite keeps digests and receipts', async () => {
    const path = ['first', 'second', 'third'].map((name, index) =>
      index === 1 ? `maildir:${at(name)}` : `sqlite:${at(name)}.sqlite`,
    ) as [string, string, string]
    await sync('odd', path[0])
    for (const [from, to] of [
      [path[0], path[1]],
      [path[1], path[2]],
    ] as const) {
      const run = await popkeep(['export', to, '--archive', from])
      expect([run.code, run.stderr.toString()]).toEqual([0, ''])
    }
    const [first, , third] = await Promise.all(
      path.map((archive) => popkeep(['list', '--json', '--archive', archive])),
    )
    expect(first?.stdout.length).toBeGreaterThan(1000)
    expect(third?.stdout.toString()).toBe(first?.stdout.toString())

    const url = `pop://odd@127.0.0.1:${server.port}`
    const words = ['sync', url, '--tls', 'none', '--json', '--archive', path[2]]
    const again = await popkeep(words, { env: { POPKEEP_PASSWORD: 'pw' } })
    expect(again.stdout.toString()).toMatch(/"type":"plan".*"retrieve":0,/)
  })
})

const withLf = (wire: Buffer) => wire.toString('utf8').replaceAll('\r\n', '\n')
const sha256 = (latin1: string) => createHash('sha256').update(latin1, 'latin1').digest('hex')

function isThere(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
