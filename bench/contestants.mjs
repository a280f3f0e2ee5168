// Who runs: each knows how to retrieve one user's maildrop into a folder, and how to count what it kept there.
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { query } from '../test/support/archive-content.ts'

const POPKEEP = join(import.meta.dirname, '../bin/popkeep.js')
const FLOOR = join(import.meta.dirname, 'floor.mjs')
const ONE_THREAD = join(import.meta.dirname, 'one-thread.mjs')
const FILE_LOOP = join(import.meta.dirname, 'file-loop.mjs')

export const PASSWORD = 'pw'

/** getmail6 does not deliver as root. */
const NOBODY = 65534

/** The windows of the floor; the best of them is the floor. */
export const WINDOWS = [100, 400, 1_600]

const PATH = process.env.PATH

/** Drops what it retrieves. */
export const floor = (window) => ({
  name: `floor, window ${window}`,
  command: ({ port, user }) => ({
    command: process.execPath,
    args: [FLOOR, port, user, PASSWORD, window],
    env: { PATH },
  }),
})

/** Stores all in an SQLite file, and promises nothing. */
export const oneThread = {
  name: 'one thread, no checks',
  command: ({ folder, port, user }) => ({
    command: process.execPath,
    args: [ONE_THREAD, port, user, PASSWORD, WINDOWS[1], join(folder, 'popkeep.sqlite')],
    env: { PATH },
  }),
  kept: ({ folder }) => countRows(`sqlite:${join(folder, 'popkeep.sqlite')}`),
}

/** Copies the files of the server's Maildir one by one. */
export const fileLoop = (source) => ({
  name: 'create, fsync, rename',
  command: ({ folder }) => ({
    command: process.execPath,
    args: [FILE_LOOP, source, folder],
    env: { PATH },
  }),
  kept: ({ folder }) => countFiles(join(folder, 'new')),
})

/** `place`: a folder instead of the one that all others write to, on another file system. */
export const mpop = ({ name = 'mpop, Maildir', place } = {}) => ({
  name,
  place,
  command({ folder, port, user }) {
    makeMaildir(join(folder, 'Maildir'))
    const config = join(folder, 'mpoprc')
    const lines = [
      ...['account bench', 'host 127.0.0.1', `port ${port}`, `user ${user}`],
      ...[`password ${PASSWORD}`, 'auth user', 'tls off', 'keep on'],
      ...[`uidls_file ${join(folder, 'uidls')}`, `delivery maildir ${join(folder, 'Maildir')}`],
    ]
    writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
    return { command: 'mpop', args: ['-Q', '-C', config, 'bench'], env: { PATH } }
  },
  kept: ({ folder }) => countFiles(join(folder, 'Maildir/new')),
})

/**
 * It waits for the child that delivers; where that has ended before the wait began, it waits for nothing until its timeout, and
 * gives up. So its failures are tried again.
 */
export const getmail = {
  name: 'getmail6, Maildir',
  attempts: 5,
  command({ folder, port, user }) {
    makeMaildir(join(folder, 'Maildir'))
    const rc = join(folder, 'getmailrc')
    const lines = [
      '[retriever]\ntype = SimplePOP3Retriever\nserver = 127.0.0.1',
      `port = ${port}\nusername = ${user}\npassword = ${PASSWORD}\ntimeout = 10`,
      `[destination]\ntype = Maildir\npath = ${join(folder, 'Maildir')}/`,
      '[options]\ndelete = false\nread_all = false\nverbose = 0',
    ]
    writeFileSync(rc, `${lines.join('\n')}\n`, { mode: 0o600 })
    const isRoot = process.getuid?.() === 0
    if (isRoot) {
      // The folders above are ours alone.
      letThrough(join(folder, '..'))
      giveAway(folder, ['', 'getmailrc', 'Maildir', 'Maildir/tmp', 'Maildir/new', 'Maildir/cur'])
    }
    const args = ['--getmaildir', folder, '--rcfile', rc]
    const user_ = isRoot ? { uid: NOBODY, gid: NOBODY } : {}
    return { command: 'getmail', args, env: { PATH, HOME: folder }, ...user_ }
  },
  kept: ({ folder }) => countFiles(join(folder, 'Maildir/new')),
}

/** It delivers to a program or to SMTP; one file of batched SMTP costs the least. */
export const fetchmail = {
  name: 'fetchmail, one BSMTP file',
  command({ folder, port, user }) {
    const rc = join(folder, 'fetchmailrc')
    const lines = [
      `poll 127.0.0.1 protocol pop3 service ${port} uidl auth password`,
      `user ${user} password ${PASSWORD} is bench here sslproto "" keep fetchall`,
      `bsmtp "${join(folder, 'mail.bsmtp')}"`,
    ]
    writeFileSync(rc, `${lines.join('\n')}\n`, { mode: 0o600 })
    const ids = ['--idfile', join(folder, 'ids'), '--pidfile', join(folder, 'pid')]
    return { command: 'fetchmail', args: ['-s', '-f', rc, ...ids], env: { PATH, HOME: folder } }
  },
  kept: ({ folder }) =>
    readFileSync(join(folder, 'mail.bsmtp'), 'latin1').split(/^MAIL FROM:/m).length - 1,
}

/** `node`: another Node to run it. */
export const popkeep = (kind, { node = process.execPath } = {}) => {
  const archiveIn = (folder) => `${kind}:${join(folder, kind)}`
  return {
    name: `popkeep, ${kind}`,
    archiveIn,
    file: (folder) => join(folder, kind, ...(kind === 'maildir' ? ['popkeep.sqlite'] : [])),
    command({ folder, port, user }) {
      const url = `pop://${user}@127.0.0.1:${port}`
      const args = [POPKEEP, 'sync', url, '--tls', 'none', '--archive', archiveIn(folder)]
      return { command: node, args, env: { PATH, HOME: folder, POPKEEP_PASSWORD: PASSWORD } }
    },
    kept: ({ folder }) => countRows(archiveIn(folder)),
  }
}

/** Starts and ends. */
export const bareNode = {
  name: 'bare Node',
  command: () => ({ command: process.execPath, args: ['--eval', '0'], env: { PATH } }),
}

/** Like "mpop version 1.4.18", or undefined where the program is not installed. */
export function versionOf(program) {
  const { stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' })
  return stdout?.split('\n')[0]
}

/** Those of the list whose program is here; the others are left out, with a line. */
export function installed(contestants) {
  const isHere = ({ name }) => {
    const program = { 'mpop,': 'mpop', 'getmail6,': 'getmail', 'fetchmail,': 'fetchmail' }[
      name.split(' ')[0]
    ]
    return program === undefined || versionOf(program) !== undefined
  }
  for (const { name } of contestants.filter((one) => !isHere(one))) {
    console.error(`${name}: not installed`)
  }
  return contestants.filter(isHere)
}

function makeMaildir(path) {
  for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(path, name), { recursive: true })
}

function countRows(archive) {
  return query(archive, 'SELECT count(*) AS n FROM receipt')[0].n
}

function countFiles(folder) {
  return readdirSync(folder).length
}

function letThrough(folder) {
  chmodSync(folder, 0o711)
}

function giveAway(folder, names) {
  for (const name of names) chownSync(join(folder, name), NOBODY, NOBODY)
}
