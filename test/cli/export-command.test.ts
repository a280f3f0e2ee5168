import { EventEmitter } from 'node:events'
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run } from '../../src/cli/main.ts'
import { fillArchive, sampleMessage } from '../archive/sample-archive.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const source = (folder: TemporaryFolder) => ({
  kind: 'sqlite' as const,
  path: join(folder.path, 'a.sqlite'),
})

function fill(folder: TemporaryFolder): void {
  const letters = [1, 2, 3].map((number) => ({
    octets: sampleMessage(number),
    uniqueId: `${number}`,
    account: 'work',
  }))
  fillArchive(source(folder), letters)
}

/** Runs it in this process; `signals` are those that it hears. */
async function popkeep(argv: readonly string[], signals = new EventEmitter()) {
  const stdout = new PassThrough()
  const stderr = new PassThrough()
  const code = await run(argv, {
    stdin: new PassThrough(),
    stdout,
    stderr,
    env: {},
    signals,
    invocation: 'popkeep',
    quit: () => undefined,
    now: () => 0,
  })
  return { code, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

describe('popkeep export', () => {
  let folder: TemporaryFolder
  beforeEach(() => {
    folder = temporaryFolder('export-command')
  })
  afterEach(() => folder.remove())

  it.each([
    ['eml', 130, 'SIGINT'],
    ['mbox', 143, 'SIGTERM'],
  ] as const)('to %s leaves with %d at %s, and nothing half-written', async (form, exit, name) => {
    fill(folder)
    const signals = new EventEmitter()
    // As soon as somebody listens: while the first message is written.
    signals.once('newListener', () => setImmediate(() => signals.emit(name)))
    const out = join(folder.path, 'out')
    const words = ['export', join(out, 'mail'), '--format', form, '--archive']
    const { code, stdout, stderr } = await popkeep([...words, source(folder).path], signals)
    expect([code, stdout]).toEqual([exit, ''])
    expect(stderr).toMatch(/^popkeep: interrupted[^\n]*\n$/)
    const left = readdirSync(out, { recursive: true, encoding: 'utf8' })
    expect(left.filter((path) => path.endsWith('.partial'))).toEqual([])
    expect(left.filter((path) => path.endsWith('.eml')).length).toBeLessThan(3)
    if (form === 'mbox') expect(left).toEqual([])
  })

  it.each([
    ['all.mbox', 'as one mbox'],
    ['All.MBOX', 'as one mbox'],
    ['folder', 'as eml files'],
    ['Maildir', 'as a Maildir'],
    ['all.mbox --format eml', 'as eml files'],
  ])('to %s without more words writes %s', async (words, said) => {
    fill(folder)
    for (const name of ['tmp', 'new', 'cur']) {
      mkdirSync(join(folder.path, 'Maildir', name), { recursive: true })
    }
    const [name = '', ...options] = words.split(' ')
    const out = join(folder.path, name)
    const ended = await popkeep(['export', out, ...options, '--archive', source(folder).path])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(new RegExp(`: 3 messages \\(.*\\) written ${said}\\n$`))
    const isFolder = !said.includes('mbox')
    expect(statSync(out).isDirectory()).toBe(isFolder)
    if (name === 'Maildir') expect(readdirSync(join(out, 'new'))).toHaveLength(3)
  })

  it.each([
    ['a.sqlite', /for an archive write popkeep export sqlite:.*a\.sqlite\.$/m],
    ['copy.db', /for an archive write popkeep export sqlite:/],
    ['file', /is a file: name a folder for eml files, or a new file \*\.mbox/],
    ['own', /is an archive of popkeep: write popkeep export maildir:/],
  ])('to %s says what to write instead, and writes nothing', async (name, said) => {
    fill(folder)
    fillArchive({ kind: 'maildir', path: join(folder.path, 'own') }, [])
    writeFileSync(join(folder.path, 'file'), 'x')
    const before = readdirSync(folder.path, { recursive: true })
    const words = ['export', join(folder.path, name), '--archive', source(folder).path]
    const { code, stdout, stderr } = await popkeep(words)
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).toMatch(said)
    expect(readdirSync(folder.path, { recursive: true })).toEqual(before)
  })

  it('to files sweeps what a killed one left, and nothing else', async () => {
    fill(folder)
    const out = join(folder.path, 'out')
    const digest = 'a'.repeat(64)
    const ending = '0123456789abcdef.partial'
    const others = ['.draft.partial', `.notes.eml.${ending}`, `${digest}.eml.${ending}`]
    mkdirSync(out)
    for (const name of [...others, `.${digest}.eml.${ending}`]) {
      writeFileSync(join(out, name), '')
      utimesSync(join(out, name), 0, 0)
    }
    const ended = await popkeep(['export', out, '--archive', source(folder).path])
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('3 messages') })
    const left = readdirSync(out).filter((name) => name.endsWith('.partial'))
    expect(left.sort()).toEqual([...others].sort())
  })
})
