/** Messages of a size that must cost neither memory nor the others; each case runs once, by the built command. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { digestsIn, query } from '../support/archive-content.ts'
import { ENDLESS_LINE, serveLargeMessage } from '../support/large-message.ts'
import { watchPeakMemory } from '../support/peak-memory.ts'
import { startPopkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const LINE_OCTETS = 500_000_000

const folder = temporaryFolder('long-line')
afterAll(() => folder.remove())

const large = {
  number: 'M9',
  name: 'sends a line of 500 MB, with NUL, bare CR and 8-bit octets in it',
}

it(large.name, async () => {
  const blocks = Math.ceil(LINE_OCTETS / ENDLESS_LINE.length)
  const server = await serveLargeMessage(blocks, ENDLESS_LINE)
  const path = join(folder.path, 'line.sqlite')
  const archive = `sqlite:${path}`
  const url = `pop://me@127.0.0.1:${server.port}`
  const running = startPopkeep(['sync', url, '--tls', 'none', '--archive', archive], {
    env: { POPKEEP_PASSWORD: 'pw' },
  })
  const memory = watchPeakMemory(running.child.pid ?? 0)
  const { code, stdout, stderr } = await running.finished
  const peak = memory.stop()
  await server.close()
  expect([code, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
  expect(query(archive, 'SELECT digest, octets FROM mail')).toEqual([
    { digest: server.digest(), octets: server.octets },
  ])
  expect(digestsIn(archive)).toEqual([server.digest()])
  if (process.platform === 'linux') {
    expect(peak / 1e6).toBeGreaterThan(20)
    expect(peak / 1e6).toBeLessThan(200)
  }
  rmSync(path, { recursive: true })
})
