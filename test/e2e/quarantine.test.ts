/** A message that the server refuses for ever: the others come in, and a nightly sync does not complain for ever. */
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { quirkServer } from '../transcripts/quirk-server.ts'

const folder = temporaryFolder('quarantine')
afterAll(() => folder.remove())

const archive = `sqlite:${join(folder.path, 'mail.sqlite')}`

describe('a message that the server refuses for ever', () => {
  it('fails five runs, then rests; status says until when; --retry-quarantined asks at once', async () => {
    await using server = await quirkServer({
      replies: { 'RETR 1': '-ERR [SYS/PERM] cannot read it\r\n' },
    })
    const sync = async (...words: string[]) => {
      const url = `pop://me@127.0.0.1:${server.port}`
      const args = ['sync', url, '--tls', 'none', '--archive', archive, ...words]
      const { code, stderr } = await popkeep(args, { env: { POPKEEP_PASSWORD: 'pw' } })
      return { code, stderr: stderr.toString() }
    }
    for (let run = 1; run <= 5; run++) {
      const { code, stderr } = await sync()
      expect(code).toBe(1)
      expect(stderr).toContain('cannot read it')
    }
    expect(await sync()).toEqual({ code: 0, stderr: '' })
    const status = async (...words: string[]) =>
      (await popkeep(['status', '--archive', archive, ...words])).stdout.toString()
    expect(await status()).toMatch(/refused 5 times: h-1: .*cannot read it.*; next try \d{4}-/)
    const [account] = JSON.parse(await status('--json')).accounts
    const [{ nextTryAt, triedAt }] = account.quarantined
    expect(Date.parse(nextTryAt) - Date.parse(triedAt)).toBe(24 * 3600 * 1000)
    expect((await sync('--retry-quarantined')).code).toBe(1)
    const [after] = JSON.parse(await status('--json')).accounts
    expect(after.quarantined).toMatchObject([{ attempts: 5, nextTryAt }])
  })
})
