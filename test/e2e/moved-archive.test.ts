/** Somebody moves the archive while a run is between the last RETR and the first DELE. */
import { linkSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { quirkServer } from '../transcripts/quirk-server.ts'

const folder = temporaryFolder('moved')
afterAll(() => folder.remove())

const CASES = [
  { kind: 'sqlite', how: 'moved', act: (path: string) => renameSync(path, `${path}.moved`) },
  { kind: 'maildir', how: 'moved', act: (path: string) => renameSync(path, `${path}.moved`) },
  { kind: 'sqlite', how: 'linked', act: (path: string) => linkSync(path, `${path}.linked`) },
] as const

describe.each(CASES)('a $kind archive that is $how in mid-run', ({ kind, how, act }) => {
  const path = join(folder.path, `${kind}-${how}`)
  const archive = `${kind}:${path}`

  it('costs no mail: nothing is deleted, the run says why, and a further one has all', async () => {
    let stats = 0
    await using server = await quirkServer({
      replies: {
        // The second STAT stands behind the last RETR.
        get STAT() {
          stats += 1
          if (stats === 2) act(path)
          return '+OK 2 47\r\n'
        },
      },
    })
    const url = `pop://me@127.0.0.1:${server.port}`
    const sync = async (...words: string[]) => {
      const args = ['sync', url, '--tls', 'none', '--archive', archive, ...words]
      const { code, stderr } = await popkeep(args, { env: { POPKEEP_PASSWORD: 'pw' } })
      return { code, said: stderr.toString(), heard: server.connections.at(-1)?.receivedText ?? '' }
    }

    const { code, said, heard } = await sync('--delete')
    expect(heard).toMatch(/RETR 2/)
    expect(heard).not.toMatch(/DELE/)
    // Of a Maildir, a file that cannot be made or linked any more may be found out first.
    expect(kind === 'maildir' ? [73, 74] : [74]).toContain(code)
    expect(said).toContain(path)
    if (kind === 'sqlite') {
      expect(said).toMatch(how === 'moved' ? /was moved, removed or replaced/ : /hard link/)
      expect(said).toContain('Nothing was deleted on the server')
    }

    expect(await sync()).toMatchObject({ code: 0, said: '' })
    const { stdout } = await popkeep(['verify', '--archive', archive])
    expect(stdout.toString()).toMatch(/2 messages .* all as they were stored/)
  })
})
