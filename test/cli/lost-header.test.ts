/** The commands that docs/operations.md gives for an archive whose header is lost, as they stand there. */
import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { maildropOf, syncWith } from '../archive/repair-cases.ts'
import { temporaryLocation } from '../archive/temp-archive.ts'

const who = { name: 'work', host: '127.0.0.1', user: 'me' }

async function popkeep(...argv: readonly string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exit = await run(argv, {
    ...{ stdin: new PassThrough(), stdout, stderr },
    env: { HOME: '/nowhere' },
    signals: new EventEmitter(),
    invocation: 'popkeep',
    quit: () => undefined,
    now: Date.now,
  })
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

function documentedCommands(folder: string): readonly string[] {
  const page = readFileSync(join(import.meta.dirname, '../../docs/operations.md'), 'utf8')
  const [, section = ''] = page.split('## A file that SQLite cannot read\n')
  const [, block = ''] = section.split(/^ *```(?:sh)?$/m)
  const lines = block.split('\n').map((line) => line.trim())
  return lines.filter((line) => line !== '').map((line) => line.replaceAll('~/Mail', folder))
}

it.each([
  ['its magic', 0, 16],
  ['all of its header', 0, 100],
  ['its page size', 16, 2],
])('an archive that lost %s is whole again', async (_, from, octets) => {
  const { path } = temporaryLocation('sqlite')
  const folder = dirname(path)
  const location = { kind: 'sqlite', path: join(folder, 'popkeep.sqlite') } as const
  const fresh = { kind: 'sqlite', path: join(folder, 'fresh.sqlite') } as const
  await syncWith(maildropOf(30), location, undefined, who)
  const file = readFileSync(location.path)
  writeFileSync(location.path, file.fill(0x58, from, from + octets))
  const left = await popkeep('repair', '--archive', `sqlite:${location.path}`)
  expect([left.exit, left.stdout]).toEqual([65, ''])
  expect(left.stderr).toContain('"A file that SQLite cannot read" in docs/operations.md')
  let last = left
  for (const command of documentedCommands(folder)) {
    if (command.startsWith('popkeep sync')) await syncWith(maildropOf(1), fresh, undefined, who)
    else if (command.startsWith('popkeep ')) last = await popkeep(...command.split(' ').slice(1))
    else execFileSync('sh', ['-c', command], { stdio: 'pipe' })
  }
  expect(last).toMatchObject({ exit: 0, stderr: '' })
  expect(last.stdout).toContain(': 30 messages ')
})
