// F8 and F9: what an archive that holds much costs those who add to it, and those who look into it.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { PASSWORD, popkeep } from './contestants.mjs'
import { goal } from './goals.mjs'
import { measure, median, rowOf } from './measure.mjs'

const FILL = join(import.meta.dirname, 'fill-archive.mjs')
const POPKEEP = join(import.meta.dirname, '../bin/popkeep.js')

export async function largeArchive(bench) {
  const { folder, sizes, runs } = bench
  const { user, messages } = await bench.maildrop('some')
  const archives = new Map()
  for (const size of [sizes.archiveBefore, sizes.archive]) {
    const own = join(folder, `holds-${size}`)
    mkdirSync(own)
    archives.set(size, own)
    fill(fileIn(own), size, 'filler')
  }
  const steps = new Map([...archives.keys()].map((size) => [size, []]))
  const syncs = new Map([...archives.keys()].map((size) => [size, []]))
  // In turn: what the disk is busy with at times must not fall on one of them.
  for (let run = 0; run < runs; run++) {
    for (const [size, own] of archives) {
      inCopy(own, (copy) => steps.get(size).push(fill(fileIn(copy), sizes.added, 'added')))
      await inCopy(own, async (copy) => {
        const command = popkeep('sqlite').command({ folder: copy, port: bench.port, user })
        syncs.get(size).push(await measure(command))
      })
    }
  }
  const rows = [...syncs].map(([size, taken]) => {
    return rowOf(`${bench.count(messages)} more in an archive of ${bench.count(size)}`, taken)
  })
  const lists = []
  const list = [
    'list',
    '--newest',
    '50',
    '--archive',
    `sqlite:${fileIn(archives.get(sizes.archive))}`,
  ]
  for (let run = 0; run < runs; run++) {
    lists.push(
      await measure({
        command: process.execPath,
        args: [POPKEEP, ...list],
        env: environment(folder),
      }),
    )
  }
  rows.push(rowOf(`list --newest 50 of ${bench.count(sizes.archive)}`, lists))
  for (const own of archives.values()) rmSync(own, { recursive: true })
  const growth = (samples) =>
    median(samples.get(sizes.archive)) / median(samples.get(sizes.archiveBefore))
  const times = new Map([...syncs].map(([size, taken]) => [size, taken.map(({ ms }) => ms)]))
  return {
    name: 'a large archive',
    rows,
    goals: [
      goal('F8', 'archive step in the large archive / in the small one', growth(steps), 2.5),
      goal('F8', 'sync into the large archive / into the small one', growth(times), 1.7),
      goal('F9', 'list --newest 50, s', median(lists.map(({ ms }) => ms)) / 1000, 0.2),
    ],
  }
}

function fileIn(folder) {
  return join(folder, 'sqlite')
}

/** Returns the ms for each message. */
function fill(path, messages, account) {
  const args = [FILL, `sqlite:${path}`, messages, account]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}

function inCopy(own, act) {
  const copy = `${own}-copy`
  mkdirSync(copy)
  copyFileSync(fileIn(own), fileIn(copy))
  execFileSync('sync')
  const remove = () => rmSync(copy, { recursive: true })
  const result = act(copy)
  if (result instanceof Promise) return result.finally(remove)
  remove()
  return result
}

function environment(folder) {
  return { PATH: process.env.PATH, HOME: folder, POPKEEP_PASSWORD: PASSWORD }
}
