/** What bad input gets: the exit code of the contract, one line on stderr, nothing on stdout. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { type Finished, popkeep } from '../support/popkeep.ts'
import { scriptedServer, send } from '../support/scripted-server.ts'
import { temporaryFolder } from '../support/temp.ts'

const folder = temporaryFolder('failures')
afterAll(() => folder.remove())

const archive = join(folder.path, 'mail.sqlite')
const sync = (url: string, path = archive) =>
  popkeep(['sync', url, '--tls', 'none', '--archive', path], { env: { POPKEEP_PASSWORD: 'pw' } })

function expectFailure(run: Finished, code: number): void {
  expect({ code: run.code, stdout: run.stdout.toString() }).toEqual({ code, stdout: '' })
  expect(run.stderr.toString()).toMatch(/^popkeep: [^\n]+\n$/)
}

describe('popkeep sync', () => {
  it('leaves with 69 where nothing listens', async () => {
    expectFailure(await sync(`pop://me@127.0.0.1:${await freePort()}`), 69)
  })

  it('leaves with 69 where no such host exists', async () => {
    // RFC 6761: no name below "invalid" is ever in the DNS.
    const words = ['sync', 'pops://me@nowhere.invalid', '--archive', archive]
    expectFailure(await popkeep(words, { env: { POPKEEP_PASSWORD: 'pw' } }), 69)
  })

  it('leaves with 76 where something else than POP3 answers', async () => {
    await using server = await scriptedServer([send('220 mail.example.com ESMTP\r\n')])
    expectFailure(await sync(`pop://me@127.0.0.1:${server.port}`), 76)
  })

  it('leaves with 69 where the server turns the connection away', async () => {
    await using server = await scriptedServer([send('-ERR too many connections\r\n')])
    const run = await sync(`pop://me@127.0.0.1:${server.port}`)
    expectFailure(run, 69)
    expect(run.stderr.toString()).toContain('too many connections')
  })

  it('shows what a server says without its control characters', async () => {
    await using server = await scriptedServer([
      send('-ERR \x1b[2Jgone\x07\x9b1m \xe2\x80\xaereversed\r\n'),
    ])
    const run = await sync(`pop://me@127.0.0.1:${server.port}`)
    expectFailure(run, 69)
    expect(run.stderr.toString()).not.toMatch(
      /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/,
    )
  })

  it('leaves with 64 where a URL holds a password', async () => {
    const run = await sync('pop://me:secret@127.0.0.1:110')
    expectFailure(run, 64)
    expect(run.stderr.toString()).not.toContain('secret')
  })
})

describe('an archive path that is no archive', () => {
  const path = join(folder.path, 'letter.txt')
  writeFileSync(path, 'Dear Sir,\n')

  it.each([
    ['sync', ['sync', 'pop://me@127.0.0.1:1', '--tls', 'none']],
    ['list', ['list']],
    ['verify', ['verify']],
  ])('is refused by %s and left as it was', async (_name, words) => {
    const run = await popkeep([...words, '--archive', `sqlite:${path}`], {
      env: { POPKEEP_PASSWORD: 'pw' },
    })
    expectFailure(run, 65)
    expect(readFileSync(path, 'utf8')).toBe('Dear Sir,\n')
  })

  it('is refused where it is a folder with other things in it', async () => {
    const other = join(folder.path, 'letters')
    mkdirSync(other)
    writeFileSync(join(other, 'letter.txt'), 'Dear Madam,\n')
    const run = await popkeep(['list', '--archive', `maildir:${other}`])
    expectFailure(run, 65)
  })
})
