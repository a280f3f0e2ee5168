/** The programs whose mail a power cut is to take, each retrieving into a folder `archive` of an image and deleting. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { archiveOf, heldIn, type Place } from './judgement.ts'
import type { Letter } from './maildrop.ts'
import { launch, syncWords } from './program.ts'

/** Where one run keeps its things. */
export interface Whereabouts {
  readonly port: number
  /** On the image. */
  readonly archive: string
  /** Somewhere else. */
  readonly home: string
}

/** getmail6 does not deliver as root. */
const NOBODY = 65534

export interface Contestant {
  readonly name: string
  /** Makes what the program expects to be there, its configuration included. */
  prepare(where: Whereabouts): void
  start(where: Whereabouts): { readonly child: ChildProcess; readonly ended: Promise<unknown> }
  /** How many of the letters stand whole in what a power cut left of `archive`. */
  count(archive: string, letters: readonly Letter[]): number
}

/** `mutant`: what is wrong with it, and the module for --require that makes it so. */
export const popkeepTo = (
  kind: Place['kind'],
  mutant?: { readonly name: string; readonly path: string },
): Contestant => ({
  name: `popkeep, ${kind}${mutant ? `, ${mutant.name}` : ''}`,
  prepare: ({ archive }) => mkdirSync(archive),
  start: ({ port, archive, home }) => {
    const args = syncWords(port, archiveOf({ kind, folder: archive }), 'delete')
    const requires = mutant ? [mutant.path] : []
    const { child, finished } = launch({ args, home, requires })
    return { child, ended: finished }
  },
  count: (folder, letters) => {
    // What is partial fails the test at once, but of a mutant it is only not counted.
    const isMutantMaildir = mutant !== undefined && kind === 'maildir'
    const held = new Set(isMutantMaildir ? digestsOfFiles(folder) : heldIn({ kind, folder }))
    return letters.filter(({ digest }) => held.has(digest)).length
  },
})

/** As files are, and with CRLF for LF: a partial one has the digest of no letter. */
function digestsOfFiles(archive: string): readonly string[] {
  const digestOf = (octets: Buffer) => createHash('sha256').update(octets).digest('hex')
  return filesIn(archive).flatMap((file) => [
    digestOf(file),
    digestOf(Buffer.from(file.toString('latin1').replaceAll('\n', '\r\n'), 'latin1')),
  ])
}

/** mpop writes its list of unique-ids at the end; where it lies makes no difference to the mail. */
export const mpop: Contestant = {
  name: 'mpop',
  prepare: ({ port, archive, home }) => {
    makeMaildir(archive)
    const lines = [
      'account cut',
      `host 127.0.0.1\nport ${port}\ntls off`,
      'auth user\nuser me\npassword pw',
      `keep off\nuidls_file ${join(home, 'uidls')}`,
      `delivery maildir ${join(archive, 'mail')}`,
    ]
    writeFileSync(join(home, 'mpoprc'), `${lines.join('\n')}\n`, { mode: 0o600 })
  },
  start: ({ home }) => startProgram('mpop', ['-q', '-C', join(home, 'mpoprc'), 'cut'], home),
  count: countInMaildir,
}

/** getmail6 writes its state after each message; that fsync takes along what lies on the same filesystem. */
export const getmail = (state: 'same filesystem' | 'another filesystem'): Contestant => {
  const stateIn = ({ archive, home }: Whereabouts) =>
    join(state === 'same filesystem' ? archive : home, 'getmail')
  return {
    name: `getmail6, state on ${state === 'same filesystem' ? 'the same' : 'another'} filesystem`,
    prepare: (where) => {
      makeMaildir(where.archive)
      mkdirSync(stateIn(where))
      const lines = [
        '[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1',
        `port = ${where.port}\nusername = me\npassword = pw`,
        `[destination]\ntype = Maildir\npath = ${join(where.archive, 'mail')}/`,
        '[options]\ndelete = true\nverbose = 0',
      ]
      const settings = join(where.home, 'getmailrc')
      writeFileSync(settings, `${lines.join('\n')}\n`, { mode: 0o600 })
      chmodSync(dirname(where.home), 0o711)
      const folders = ['', 'mail', 'mail/tmp', 'mail/new', 'mail/cur']
      for (const path of [
        ...folders.map((name) => join(where.archive, name)),
        ...[where.home, stateIn(where), settings],
      ]) {
        chownSync(path, NOBODY, NOBODY)
      }
    },
    start: (where) => {
      const words = ['--getmaildir', stateIn(where), '--rcfile', join(where.home, 'getmailrc')]
      return startProgram('getmail', words, where.home, NOBODY)
    },
    count: countInMaildir,
  }
}

/** Like `1.4.18`; undefined where the program is not installed. */
export function versionOf(program: 'mpop' | 'getmail'): string | undefined {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(stdout ?? '')?.[0]
}

/** What they say of a server that was slow to answer is no news. */
function startProgram(command: string, args: readonly string[], home: string, uid = 0) {
  const env = { PATH: process.env.PATH, HOME: home }
  const child = spawn(command, args, { env, cwd: home, uid, gid: uid, stdio: 'ignore' })
  return { child, ended: once(child, 'close') }
}

function makeMaildir(archive: string): void {
  for (const folder of ['tmp', 'new', 'cur']) {
    mkdirSync(join(archive, 'mail', folder), { recursive: true })
  }
}

/** These programs add header fields and end lines with LF: a letter counts if its beginning and its last line are there. */
function countInMaildir(archive: string, letters: readonly Letter[]): number {
  const files = filesIn(archive).map((file) => file.toString('latin1'))
  return letters.filter(({ octets }) => {
    const text = octets.toString('latin1').replaceAll('\r\n', '\n')
    const body = text.slice(text.indexOf('\n\n'))
    return files.some((file) => file.includes(body.trimEnd()))
  }).length
}

function filesIn(archive: string): readonly Buffer[] {
  return ['new', 'cur'].flatMap((folder) => {
    const path = join(archive, 'mail', folder)
    return readdirSync(path).map((name) => readFileSync(join(path, name)))
  })
}
