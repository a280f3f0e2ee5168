// F7: many accounts on one far host, at once and one after another.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PASSWORD, popkeep } from './contestants.mjs'
import { delayProxy } from './delay-proxy.mjs'
import { goal, look } from './goals.mjs'
import { alternate, fromEmpty } from './measure.mjs'
import { ROUND_TRIP } from './retrieval.mjs'

const JOBS = 16

const POPKEEP = join(import.meta.dirname, '../bin/popkeep.js')

export async function manyAccounts(bench) {
  const users = bench.accounts()
  const messages = users.reduce((sum, { messages }) => sum + messages, 0)
  const proxy = await delayProxy(bench.port, ROUND_TRIP)
  const base = popkeep('sqlite')
  const withJobs = (jobs) => ({
    ...base,
    name: `popkeep, ${jobs} at a time`,
    command({ folder }) {
      const config = join(folder, 'config.toml')
      writeConfig(config, { users, port: proxy.port, archive: base.archiveIn(folder) })
      const args = [POPKEEP, 'sync', '--config', config, '--jobs', jobs, '--jobs-per-host', jobs]
      return { command: process.execPath, args, env: { PATH: process.env.PATH, HOME: folder } }
    },
  })
  try {
    const once = (contestant) => fromEmpty(contestant, { messages, folder: bench.folder })
    const rows = await alternate([withJobs(JOBS), withJobs(1)], { ...bench, once })
    const { ms } = look(rows)
    const speedup = ms('popkeep, 1 ') / ms(`popkeep, ${JOBS} `)
    return {
      name: `${users.length} accounts of ${users[0].messages} at ${ROUND_TRIP} ms`,
      rows,
      goals: [goal('F7', `8 / (one after another / ${JOBS} at a time)`, 8 / speedup, 1)],
    }
  } finally {
    await proxy.stop()
  }
}

function writeConfig(path, { users, port, archive }) {
  const secret = join(path, '..', 'password')
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(secret, PASSWORD, { mode: 0o600 })
  const accounts = users.map(({ user }) =>
    [
      `[accounts.${user}]\nhost = "127.0.0.1"\nport = ${port}\ntls = "none"`,
      `user = "${user}"\npassword_file = "${secret}"`,
    ].join('\n'),
  )
  writeFileSync(path, [`archive = "${archive}"`, ...accounts].join('\n\n'), { mode: 0o600 })
}
