/** Somebody moves the archive while a run is in it: behind the last RETR, or behind the first DELE. */
import { linkSync, mkdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { quirkServer } from '../transcripts/quirk-server.ts'

const folder = temporaryFolder('moved')
afterAll(() => folder.remove())

/** Each with the words that say so. */
const DEEDS = {
  moved: { act: (path: string) => renameSync(path, `${path}.moved`), says: /was moved, removed/ },
  linked: { act: (path: string) => linkSync(path, `${path}.linked`), says: /hard link/ },
  'in another folder by its link': { act: leadElsewhere, says: /leads elsewhere now/ },
} as const

function leadElsewhere(path: string): void {
  const link = dirname(path)
  unlinkSync(link)
  symlinkSync(mkdirSync(`${link}.second`, { recursive: true }) ?? '', link)
}

const ASTRAY = 'in another folder by its link'

const CASES = [
  { kind: 'sqlite', how: 'moved', behind: 'RETR', words: ['--delete'] },
  { kind: 'maildir', how: 'moved', behind: 'RETR', words: ['--delete'] },
  { kind: 'sqlite', how: 'linked', behind: 'RETR', words: ['--delete'] },
  { kind: 'sqlite', how: ASTRAY, behind: 'RETR', words: ['--delete'] },
  { kind: 'maildir', how: ASTRAY, behind: 'RETR', words: ['--delete'] },
  { kind: 'sqlite', how: 'moved', behind: 'DELE', words: ['--delete'] },
  { kind: 'maildir', how: 'moved', behind: 'DELE', words: ['--delete'] },
  // A server may delete at QUIT what was retrieved, and announce nothing.
  { kind: 'sqlite', how: 'moved', behind: 'RETR', words: [] },
  { kind: 'maildir', how: 'moved', behind: 'RETR', words: [] },
] as const

describe.each(CASES)('a $kind archive that is $how behind $behind, $words', (test) => {
  const { kind, how, behind, words } = test
  const base = join(folder.path, String(CASES.indexOf(test)))
  const path = join(base, 'link', 'mail')
  const archive = `${kind}:${path}`
  const { act, says } = DEEDS[how]

  it('costs no mail: the server hears no QUIT, the run says why, and a further one has all', async () => {
    mkdirSync(join(base, 'first'), { recursive: true })
    symlinkSync(join(base, 'first'), join(base, 'link'))
    const asked = { STAT: 0, DELE: 0 }
    await using server = await quirkServer({
      replies: {
        // The second STAT stands behind the last RETR.
        get STAT() {
          asked.STAT += 1
          if (behind === 'RETR' && asked.STAT === 2) act(path)
          return `+OK ${2 - asked.DELE} ${[47, 24, 0][asked.DELE]}\r\n`
        },
        get DELE() {
          asked.DELE += 1
          if (behind === 'DELE' && asked.DELE === 1) act(path)
          return '+OK\r\n'
        },
      },
    })
    const url = `pop://me@127.0.0.1:${server.port}`
    const sync = async (...more: readonly string[]) => {
      asked.DELE = 0
      const args = ['sync', url, '--tls', 'none', '--archive', archive, ...more]
      const { code, stderr } = await popkeep(args, { env: { POPKEEP_PASSWORD: 'pw' } })
      return { code, said: stderr.toString(), heard: server.connections.at(-1)?.receivedText ?? '' }
    }

    const { code, said, heard } = await sync(...words)
    expect(heard).toMatch(/RETR 2/)
    expect(/DELE/.test(heard)).toBe(behind === 'DELE')
    expect(heard).not.toMatch(/QUIT/)
    // Of a Maildir, a file that cannot be made or linked any more may be found out first.
    expect(kind === 'maildir' ? [73, 74] : [74]).toContain(code)
    expect(said).toContain(join(how === ASTRAY ? 'link' : 'first', 'mail'))
    if (kind === 'sqlite') expect(said).toMatch(says)
    // What it deleted by itself nobody here knows.
    expect(said).not.toMatch(/nothing was deleted/i)

    expect(await sync()).toMatchObject({ code: 0, said: '' })
    const { stdout } = await popkeep(['verify', '--archive', archive])
    expect(stdout.toString()).toMatch(/2 messages .* all as they were stored/)
  })
})
