// node bench/kill-sweep.mjs [--share 0.25]: the kill sweep at all of its points, or at a share of them, after npm run build.
// Writes what it did to results/kill-sweep.json. An hour or two, for which reason CI takes a sample: see docs/reliability.md.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { share: { type: 'string', default: 'all' } } })

const folder = mkdtempSync(join(tmpdir(), 'popkeep-sweep-'))
const results = join(folder, 'results')
writeFileSync(results, '')
const began = Date.now()
const { status } = spawnSync(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', 'test/reliability/kill-', '--reporter=verbose'],
  {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, POPKEEP_SWEEP: values.share, POPKEEP_SWEEP_RESULTS: results },
    stdio: 'inherit',
  },
)
const settings = readFileSync(results, 'utf8').split('\n').filter(Boolean).map(parsed)
rmSync(folder, { recursive: true })
const machine = {
  ...{ processor: cpus()[0]?.model, cores: cpus().length },
  ...{ linux: release(), node: process.version },
}
const summary = {
  date: new Date(began).toISOString(),
  minutes: Math.round((Date.now() - began) / 60_000),
  share: values.share,
  isPassed: status === 0,
  machine,
  settings,
}
const path = join(import.meta.dirname, 'results/kill-sweep.json')
writeFileSync(path, `${JSON.stringify(summary, null, 2)}\n`)
process.exitCode = status ?? 1

function parsed(line) {
  return JSON.parse(line)
}
