/** `popkeep probe` from command line to exit code, against servers of this process. */
import { EventEmitter } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { listen } from '../../src/server/listen.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { type Certificates, makeCertificate, makeCertificates } from '../support/certificates.ts'
import {
  closed,
  expectLine,
  type Script,
  type Step,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { startTap } from '../support/tap.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const CANARY = 'canary-7f3a'

interface Ended {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

let folder: TemporaryFolder
let files: Certificates
let trace: string
beforeAll(() => {
  folder = temporaryFolder('probe')
  files = makeCertificates(folder.path)
  trace = join(folder.path, 'trace')
})
afterAll(() => folder.remove())

/** With the canary as password, which then may be nowhere, in no form. */
async function probe(
  target: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = { POPKEEP_PASSWORD: CANARY },
): Promise<Ended> {
  writeFileSync(trace, '')
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = await run(['probe', target, '--trace', trace, ...args], {
    ...{ stdin: new PassThrough(), stdout, stderr },
    env: { HOME: '/nowhere', ...env },
    signals: new EventEmitter(),
    invocation: 'popkeep',
    quit: () => undefined,
    now: Date.now,
  })
  const ended = { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
  const base64 = Buffer.from(`\0me\0${CANARY}`).toString('base64')
  for (const text of [ended.stdout, ended.stderr, readFileSync(trace, 'utf8')]) {
    expect(text).not.toContain(CANARY)
    expect(text).not.toContain(base64)
  }
  return ended
}

const jsonOf = ({ stdout }: Ended): Record<string, unknown> => {
  expect(stdout).toMatch(/^[^\n]+\n$/)
  return JSON.parse(stdout) as Record<string, unknown>
}

const hello = [send('+OK ready\r\n'), expectLine('CAPA'), send('+OK\r\nUSER\r\n.\r\n')]
const look: Script = [...hello, expectLine('QUIT'), send('+OK\r\n'), closed()]
const login = (answer: string, ...more: readonly Step[]): Script => [
  ...[...hello, expectLine('USER me'), send('+OK\r\n')],
  ...[expectLine(`PASS ${CANARY}`), send(answer), ...more],
]

describe('popkeep probe', () => {
  it('changes nothing at the server of the house, and leaves it by QUIT twice', async () => {
    const message = { octets: Buffer.from('Subject: x\r\n\r\nText.\r\n'), uniqueId: 'u1' }
    await using server = await listen({
      ...{ host: '127.0.0.1', port: 0 },
      personality: qpopper({ hostName: 'house', now: () => 0, pid: () => 1 }),
      maildrops: [{ user: 'me', secret: CANARY, source: new MemoryMaildrop([message]) }],
      onFault: (fault) => {
        throw fault
      },
    })
    const tap = await startTap(server.port)
    try {
      const { exit, stdout, stderr } = await probe(`pop://me@127.0.0.1:${tap.port}`, [
        ...['--tls', 'none'],
      ])
      expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' })
      expect(stdout).toMatch(/UIDL +works: 1 distinct unique-id\n/)
      expect(stdout).toMatch(/TOP +works: .* 14 octets of 21\n/)
      expect(stdout).toMatch(/PIPELINING +works/)
      const keywords = tap.take().map((line) => line.split(' ')[0])
      expect(keywords.filter((word) => word === 'QUIT')).toHaveLength(2)
      expect(new Set(keywords)).toEqual(
        new Set(['CAPA', 'QUIT', 'AUTH', 'STAT', 'LIST', 'UIDL', 'TOP', 'NOOP']),
      )
    } finally {
      await tap.close()
    }
  })

  it('shows what a refused login left, and ends with 77', async () => {
    const refusal = login(`-ERR [AUTH] not ${CANARY}\r\n`, closed())
    await using server = await scriptedServer(look, refusal, look, refusal)
    const target = `pop://me@127.0.0.1:${server.port}`
    const { exit, stdout, stderr } = await probe(target, ['--tls', 'none'])
    expect(exit).toBe(77)
    expect(stdout).toContain('result       refused, by USER\n  server said  "-ERR [AUTH] not ***"')
    expect(stderr).toMatch(/^popkeep: the server refused user or password[^\n]*\n$/)

    const inJson = await probe(target, ['--tls', 'none', '--json'])
    expect([inJson.exit, inJson.stderr]).toEqual([77, stderr])
    expect(jsonOf(inJson)).toMatchObject({
      capabilities: { before: ['USER'], after: null },
      login: { result: 'refused', mechanism: 'USER' },
      maildrop: null,
      error: { code: 'LOGIN_REFUSED', exit: 77 },
    })
  })

  it('asks for the password when the rest was shown, and not with --no-login', async () => {
    await using server = await scriptedServer(look)
    const target = `pop://me@127.0.0.1:${server.port}`
    const missing = ['--tls', 'none', '--password-file', join(folder.path, 'missing')]
    const failed = await probe(target, missing, {})
    expect(failed.exit).toBe(78)
    expect(failed.stdout).toMatch(/greeting +"\+OK ready"(.|\n)*Mechanisms\n +USER +chosen\n$/)
    expect(failed.stderr).toMatch(/^popkeep: [^\n]+\n$/)
    expect(await probe(target, [...missing, '--no-login'], {})).toEqual({
      ...{ exit: 0, stderr: '', stdout: failed.stdout },
    })
    await server.played()
    expect(server.connections).toHaveLength(2)
  })

  it('tells broken PIPELINING, and ends with 0', async () => {
    await using server = await scriptedServer(
      look,
      login(
        '+OK\r\n',
        ...[expectLine('CAPA'), send('+OK\r\nPIPELINING\r\n.\r\n')],
        ...[expectLine('STAT'), send('+OK 0 0\r\n'), expectLine('LIST'), send('+OK\r\n.\r\n')],
        ...[expectLine('UIDL'), send('-ERR\r\n'), expectLine('STAT'), send('+OK 0 0\r\n')],
        (connection) => connection.fin(),
      ),
    )
    const { exit, stdout, stderr } = await probe(`pop://me@127.0.0.1:${server.port}`, [
      ...['--tls', 'none'],
    ])
    expect([exit, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/PIPELINING +announced, but broken: the server closed/)
  })

  it('shows the chain of a certificate that fails, and ends with 76', async () => {
    const made = makeCertificate(files, { altNames: 'DNS:localhost', days: [-9, -3] })
    await using server = await scriptedTlsServer(made, [closed()])
    const target = `pops://me@localhost:${server.port}`
    const { exit, stdout, stderr } = await probe(target, ['--tls-ca', files.ca])
    expect(exit).toBe(76)
    expect(stdout).toMatch(/trusted +no: the certificate expired on \d{4}-\d\d-\d\d\n/)
    const pin = /\n {2}pin +([0-9a-f]{64})\n/.exec(stdout)?.[1]
    expect(stderr).toMatch(/^popkeep: [^\n]* expired on [^\n]*\n$/)
    expect(stderr).not.toContain('pin')
    for (const { received } of server.connections) expect(received).toHaveLength(0)

    const inJson = await probe(target, ['--tls-ca', files.ca, '--json'])
    expect(jsonOf(inJson)).toMatchObject({
      tls: { trusted: false, pinned: false, chain: [{ pin, names: ['localhost'] }, {}] },
      greeting: null,
      error: { code: 'NET_TLS', exit: 76 },
    })
  })

  it('takes the pin that it shows', async () => {
    const made = makeCertificate(files, { altNames: 'DNS:localhost', days: [-9, -3] })
    await using stranger = await scriptedTlsServer(made, [closed()])
    await using server = await scriptedTlsServer(made, look)
    const { stdout } = await probe(`pops://me@localhost:${stranger.port}`)
    const pin = /\n {2}pin +([0-9a-f]{64})\n/.exec(stdout)?.[1] ?? ''
    const pinned = await probe(`pops://me@localhost:${server.port}`, [
      ...['--tls-pin', pin, '--no-login'],
    ])
    expect([pinned.exit, pinned.stderr]).toEqual([0, ''])
    expect(pinned.stdout).toMatch(/trusted +yes, its key is the pinned one/)
  })

  it.each([
    ['NET_REFUSED', 69, 'pops://me@127.0.0.1:1'],
    ['USAGE', 64, 'imap://me@127.0.0.1'],
  ])('ends with the code of %s', async (_code, exit, target) => {
    const ended = await probe(target)
    expect(ended.exit).toBe(exit)
    expect(ended.stderr).toMatch(/^popkeep: [^\n]+\n$/)
  })

  it('says in its help what it sends, in 80 columns', async () => {
    const { exit, stdout } = await probe('--help')
    expect(exit).toBe(0)
    expect(stdout.replace(/\s+/g, ' ')).toContain('TOP without body lines for the smallest message')
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
  })
})
