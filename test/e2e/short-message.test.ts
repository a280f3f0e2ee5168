/** A message that ends as it should with half of its octets: what a person, a script and an export see of it. */
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { popkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { quirkServer } from '../transcripts/quirk-server.ts'

const folder = temporaryFolder('short')
afterAll(() => folder.remove())

/** Listed with 24 octets; 12 of them come, and the termination. */
const replies = { 'RETR 2': '+OK\r\nSubject: t\r\n.\r\n' }

describe.each(['sqlite', 'maildir'])('a short message in a %s archive', (kind) => {
  const archive = `${kind}:${join(folder.path, kind)}`
  const copy = `${kind}:${join(folder.path, `${kind}-copy`)}`
  const say = async (...args: string[]) => {
    const { code, stdout, stderr } = await popkeep(args, { env: { POPKEEP_PASSWORD: 'pw' } })
    return { code, stdout: stdout.toString(), stderr: stderr.toString() }
  }

  it('is kept, said once, marked wherever it is shown, and stays on the server', async () => {
    await using server = await quirkServer({ replies })
    const url = `pop://me@127.0.0.1:${server.port}`
    const sync = (...words: string[]) =>
      say('sync', url, '--tls', 'none', '--archive', archive, '--delete', ...words)
    const heard = () => server.connections.at(-1)?.receivedText ?? ''

    const first = await sync()
    expect(first).toMatchObject({ code: 0, stdout: '' })
    expect(first.stderr).toMatch(/a message with fewer octets than it lists, twice.*--delete-short/)
    expect(heard().match(/^(RETR|DELE) \d/gm)).toEqual(['RETR 1', 'RETR 2', 'RETR 2', 'DELE 1'])

    expect(await sync()).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(heard()).not.toMatch(/^RETR 2/m)

    const lines = (await say('list', '--archive', archive, '--json')).stdout.trim().split('\n')
    const [whole, short] = [1, 2].map((n) =>
      lines
        .map((line) => JSON.parse(line))
        .find(({ receipts }) => receipts[0].uniqueId === `h-${n}`),
    )
    expect(whole).toMatchObject({ subject: 'one', short: false })
    expect(short).toMatchObject({ subject: 't', octets: 12, short: true })
    expect((await say('list', '--archive', archive)).stdout).toMatch(/ \(short\) t\n/)
    expect((await say('show', short.id, '--archive', archive)).stdout).toMatch(/^Short: /m)
    expect((await say('show', whole.id, '--archive', archive)).stdout).not.toMatch(/^Short: /m)
    expect((await say('show', short.id, '--raw', '--archive', archive)).stdout).toBe(
      'Subject: t\r\n',
    )
    expect((await say('status', '--archive', archive)).stdout).toMatch(/^ {2}1 message short: /m)
    expect(JSON.parse((await say('status', '--json', '--archive', archive)).stdout).short).toBe(1)

    expect((await say('export', copy, '--archive', archive)).code).toBe(0)
    expect((await say('list', '--archive', copy, '--json')).stdout).toContain('"short":true')

    expect((await sync('--delete-short')).code).toBe(0)
    expect(heard()).toMatch(/^DELE 2/m)
  })
})
