// Who runs: each knows how to retrieve one user's maildrop into a folder, and how to count what it kept there.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { query } from '../test/support/archive-content.ts'

const POPKEEP = join(import.meta.dirname, '../bin/popkeep.js')

export const PASSWORD = 'pw'

const mpop = {
  name: 'mpop, Maildir',
  command({ folder, port, user }) {
    const maildir = join(folder, 'Maildir')
    for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(maildir, name), { recursive: true })
    const config = join(folder, 'mpoprc')
    const lines = [
      ...['account bench', 'host 127.0.0.1', `port ${port}`, `user ${user}`],
      ...[`password ${PASSWORD}`, 'auth user', 'tls off', 'keep on'],
      ...[`uidls_file ${join(folder, 'uidls')}`, `delivery maildir ${maildir}`],
    ]
    writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o600 })
    return { command: 'mpop', args: ['-Q', '-C', config, 'bench'], env: { PATH: process.env.PATH } }
  },
  kept: ({ folder }) => readdirSync(join(folder, 'Maildir/new')).length,
}

const popkeep = (kind) => {
  const archiveIn = (folder) => `${kind}:${join(folder, kind)}`
  return {
    name: `popkeep, ${kind}`,
    command({ folder, port, user }) {
      const url = `pop://${user}@127.0.0.1:${port}`
      const args = [POPKEEP, 'sync', url, '--tls', 'none', '--archive', archiveIn(folder)]
      const env = { PATH: process.env.PATH, HOME: folder, POPKEEP_PASSWORD: PASSWORD }
      return { command: process.execPath, args, env }
    },
    kept: ({ folder }) => query(archiveIn(folder), 'SELECT count(*) AS n FROM receipt')[0].n,
  }
}

/** The first is the one to beat; it is left out, with a line, where it is not installed. */
export function contestants() {
  const own = [popkeep('sqlite'), popkeep('maildir')]
  if (mpopVersion() === undefined) {
    console.error('mpop is not installed: no ratios.')
    return own
  }
  return [mpop, ...own]
}

/** Like "mpop version 1.4.18", or undefined where it is not installed. */
export function mpopVersion() {
  try {
    return execFileSync('mpop', ['--version'], { encoding: 'utf8' }).split('\n')[0]
  } catch {
    return undefined
  }
}
