import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { transpileArchive } from './transpiled.ts'

let built: ReturnType<typeof transpileArchive>
beforeAll(() => {
  built = transpileArchive()
})
afterAll(() => built.remove())

/**
 * What a process of its own prints, as a number: settings of V8 hold for a whole process. The module's functions are there
 * for it.
 */
function printed(body: string): number {
  const entry = pathToFileURL(join(built.folder, 'archive/short-lived.js')).href
  const program = `
    import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
    import { Script } from 'node:vm'
    import { Worker } from 'node:worker_threads'
    import { dropped, keepHeapsSmall, withYoungWhole } from ${JSON.stringify(entry)}
    ${body}`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { encoding: 'utf8', timeout: 60_000 },
  )
  expect(stderr).toBe('')
  return Number(stdout)
}

it('lets few of the buffers lie that were dropped', () => {
  const most = printed(`
    let most = 0
    for (let n = 0; n < 4_000; n += 1) {
      dropped(Buffer.allocUnsafeSlow(64 * 1024).byteLength)
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }
    console.log(most)`)
  // 40 to 80 MB lay about where nobody was told.
  expect(most).toBeLessThan(16e6)
})

it('collects old objects before there are several times as many as are in use', () => {
  const most = (settings: string) =>
    printed(`
      ${settings}
      const kept = Array.from({ length: 300_000 }, (_, n) => ({ n, text: 'message ' + n }))
      const onTheirWay = []
      const old = () =>
        getHeapSpaceStatistics().find((one) => one.space_name === 'old_space').space_used_size
      let most = 0
      for (let n = 0; n < 3_000_000; n += 1) {
        onTheirWay[n % 100_000] = { n, text: 'message ' + n }
        if (n % 10_000 === 0) most = Math.max(most, old())
      }
      console.log(kept.length && most)`)
  const youngAlone = most("setFlagsFromString('--semi-space-growth-factor=1')")
  expect(most('keepHeapsSmall()')).toBeLessThan(0.9 * youngAlone)
})

it('gives a thread all its memory for young objects, whatever keeps those of others small', () => {
  const octets = printed(`
    const body = \`
      const { getHeapSpaceStatistics } = require('node:v8')
      const { parentPort } = require('node:worker_threads')
      parentPort.once('message', () => {
        const onTheirWay = []
        for (let n = 0; n < 1_000_000; n += 1) onTheirWay[n % 20_000] = { n }
        parentPort.postMessage(
          getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size)
      })\`
    const worker = withYoungWhole(
      () =>
        new Worker(body, {
          eval: true,
          execArgv: [],
          resourceLimits: { maxYoungGenerationSizeMb: 8 },
        }),
    )
    worker.once('online', () => {
      keepHeapsSmall()
      worker.postMessage('go')
    })
    worker.once('message', (octets) => console.log(octets))`)
  expect(octets).toBe(8 * 2 ** 20)
})

it('leaves the code that V8 has cached of use', () => {
  const rejected = printed(`
    const cachedData = new Script('const code = () => 1').createCachedData()
    withYoungWhole(() => new Worker('', { eval: true }))
    // It compares sources by their length. The same source would come from another cache.
    const { cachedDataRejected } = new Script('const code = () => 2', { cachedData })
    console.log(Number(cachedDataRejected))`)
  expect(rejected).toBe(0)
})
