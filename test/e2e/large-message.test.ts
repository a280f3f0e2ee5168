/** One message of 1 GiB, through the built command, into both archives, in bounded memory. */
import { rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { digestsIn, query } from '../support/archive-content.ts'
import { serveLargeMessage } from '../support/large-message.ts'
import { watchPeakMemory } from '../support/peak-memory.ts'
import { startPopkeep } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'

const GIB = 2 ** 30
const BLOCKS = GIB / 65_536

const folder = temporaryFolder('large')
afterAll(() => folder.remove())

// The message, its journal or WAL, and as much again for other tests.
const { bavail, bsize } = statfsSync(folder.path)
const hasRoom = bavail * bsize > 4 * GIB || process.env.CI === 'true'
if (!hasRoom) console.warn('Less than 4 GiB free: the test of a 1 GiB message is skipped.')

describe.skipIf(!hasRoom || process.platform !== 'linux')('a message of 1 GiB', () => {
  it.each(['sqlite', 'maildir'])(
    'passes into a %s archive with less than 200 MB of memory',
    async (kind) => {
      const server = await serveLargeMessage(BLOCKS)
      const path = join(folder.path, `large.${kind}`)
      const running = startPopkeep(
        [
          'sync',
          `pop://me@127.0.0.1:${server.port}`,
          '--tls',
          'none',
          '--archive',
          `${kind}:${path}`,
        ],
        { env: { POPKEEP_PASSWORD: 'pw' } },
      )
      const memory = watchPeakMemory(running.child.pid ?? 0)
      const { code, stdout, stderr } = await running.finished
      const peak = memory.stop()
      await server.close()
      expect([code, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
      expect(query(`${kind}:${path}`, 'SELECT digest, octets FROM mail')).toEqual([
        { digest: server.digest(), octets: server.octets },
      ])
      expect(digestsIn(`${kind}:${path}`)).toEqual([server.digest()])
      // Bounded from both sides: no figure at all would be no proof.
      expect(peak / 1e6).toBeGreaterThan(20)
      expect(peak / 1e6).toBeLessThan(200)
      rmSync(path, { recursive: true })
    },
  )
})
