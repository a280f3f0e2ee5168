import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { openTrace } from '../../src/cli/trace.ts'
import { temporaryFolder } from '../support/temp.ts'

const folder = temporaryFolder('trace')
afterAll(() => folder.remove())

const at = (name: string) => join(folder.path, name)

function traced(path: string): string {
  const trace = openTrace(
    path,
    () => 0,
    (error) => {
      throw error
    },
  )
  trace.write('work', 'S: +OK\x1b[2J')
  trace.close()
  return readFileSync(path, 'utf8')
}

describe.skipIf(process.platform === 'win32')('the file of a trace', () => {
  it('is for its owner only, and holds nothing that a terminal obeys', () => {
    expect(traced(at('new'))).toMatch(/^1970-01-01T00:00:00\.000Z work S: \+OK[^\x1b]*\n$/)
    expect(statSync(at('new')).mode & 0o777).toBe(0o600)
  })

  it('is emptied and made private if it is there', () => {
    writeFileSync(at('old'), 'something longer than one line of a trace, by far and by intention\n')
    chmodSync(at('old'), 0o666)
    expect(traced(at('old'))).toMatch(/^1970[^\n]*\n$/)
    expect(statSync(at('old')).mode & 0o777).toBe(0o600)
  })

  it('is not what a link leads to', () => {
    writeFileSync(at('target'), 'precious')
    symlinkSync(at('target'), at('link'))
    expect(() => traced(at('link'))).toThrow(expect.objectContaining({ code: 'USAGE' }))
    expect(readFileSync(at('target'), 'utf8')).toBe('precious')
  })

  it('is no FIFO and no device', () => {
    execFileSync('mkfifo', [at('fifo')])
    for (const path of [at('fifo'), '/dev/null']) {
      expect(() =>
        openTrace(
          path,
          () => 0,
          () => undefined,
        ),
      ).toThrow(expect.objectContaining({ code: 'USAGE' }))
    }
  })
})
