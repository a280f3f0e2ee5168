import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { barDisplay } from '../../src/cli/progress.ts'

/** What a terminal of so many columns shows after these octets: only the controls that cli-progress and we send. */
function screenOf(octets: string, columns = 80): readonly string[] {
  const lines = ['']
  let row = 0
  let column = 0
  let wraps = true
  const put = (character: string): void => {
    // At the right edge the cursor stays on the last column, and the line break waits for the next character.
    if (column === columns && wraps) [row, column] = [row + 1, 0]
    const at = Math.min(column, columns - 1)
    const line = (lines[row] ?? '').padEnd(at)
    lines[row] = line.slice(0, at) + character + line.slice(at + 1)
    column = at + 1
  }
  for (const [token, count, control] of octets.matchAll(
    /\x1b\[\??(\d*)(?:;\d+)?([A-Za-z])|\r|\n|[^\x1b\r\n]/g,
  )) {
    if (control === 'K' || control === 'J') column = Math.min(column, columns - 1)
    if (token === '\n') row += 1
    if (token === '\n' || token === '\r') column = 0
    else if (control === 'A') row = Math.max(0, row - Number(count || 1))
    else if (control === 'G') column = Number(count || 1) - 1
    else if (control === 'K') lines[row] = count === '2' ? '' : (lines[row] ?? '').slice(0, column)
    else if (control === 'J') lines.splice(row, lines.length, (lines[row] ?? '').slice(0, column))
    else if (token === '\x1b[?7h' || token === '\x1b[?7l') wraps = control === 'h'
    else if (control === undefined) put(token)
  }
  return lines.map((line) => (line ?? '').trimEnd()).filter((line) => line !== '')
}

describe('barDisplay', () => {
  it('leaves nothing but the lines that were said, and a visible cursor', async () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    const display = await barDisplay(stderr, () => 0)
    display.take({ type: 'connecting', account: 'work' })
    display.take({ type: 'connecting', account: 'home' })
    display.say('work: a notice')
    display.remove('work')
    display.say('work: done')
    display.say('home: a notice')
    const midway = String(stderr.read())
    display.remove('home')
    display.say('home: done')
    display.stop()
    const octets = midway + String(stderr.read())
    expect(screenOf(midway).some((line) => line.startsWith('home          connecting'))).toBe(true)
    expect(screenOf(octets)).toEqual([
      ...['work: a notice', 'work: done', 'home: a notice', 'home: done'],
    ])
    expect(octets.lastIndexOf('\x1b[?25h')).toBeGreaterThan(octets.lastIndexOf('\x1b[?25l'))
  })

  it.each([80, 81, 160, 200])('shows a line of %i columns whole above bars', async (columns) => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    const display = await barDisplay(stderr, () => 0)
    display.take({ type: 'connecting', account: 'work' })
    display.take({ type: 'connecting', account: 'home' })
    const line = `popkeep: anna: ${'0123456789'.repeat(20)}`.slice(0, columns)
    display.say(line)
    display.say('short')
    display.remove('work')
    const midway = String(stderr.read())
    const rows = line.match(/.{1,80}/g) ?? []
    expect(screenOf(midway)).toEqual([...rows, 'short', 'home          connecting'])
    display.stop()
    expect(screenOf(midway + String(stderr.read()))).toEqual([...rows, 'short'])
  })

  it('keeps the last letter of a bar that is as wide as the terminal', async () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 24 })
    const display = await barDisplay(stderr, () => 0)
    display.take({ type: 'connecting', account: 'a name that is far too long for it' })
    stderr.emit('resize')
    expect(screenOf(String(stderr.read()), 24)).toEqual(['a name…or it  connecti…'])
    display.stop()
  })

  it('takes away bars that are still there when it is stopped', async () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    const display = await barDisplay(stderr, () => 0)
    display.take({ type: 'connecting', account: 'work' })
    display.say('work: a notice')
    display.stop()
    expect(screenOf(String(stderr.read()))).toEqual(['work: a notice'])
  })

  it('draws anew at the new width as soon as the terminal has one, and no more at the end', async () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    const display = await barDisplay(stderr, () => 0)
    display.take({ type: 'connecting', account: 'a name that is far too long for it' })
    stderr.read()
    stderr.columns = 25
    stderr.emit('resize')
    expect(screenOf(String(stderr.read()))).toEqual(['a name…or it  connecting'])
    display.stop()
    stderr.read()
    stderr.emit('resize')
    expect([stderr.read(), stderr.listenerCount('resize')]).toEqual([null, 0])
  })

  it('draws nothing where nothing happens', async () => {
    const stderr = Object.assign(new PassThrough(), { isTTY: true, columns: 80 })
    const display = await barDisplay(stderr, () => 0)
    display.say('said')
    display.stop()
    expect(String(stderr.read())).toBe('said\n')
  })

  it('writes a line now and then where no terminal is, and nothing else', async () => {
    vi.useFakeTimers()
    try {
      const stderr = new PassThrough()
      const display = await barDisplay(stderr, () => 0)
      display.take({ type: 'connecting', account: 'work' })
      await vi.advanceTimersByTimeAsync(10_000)
      display.take({ type: 'listing', account: 'work', rows: 10, total: 20 })
      display.say('work: a notice')
      await vi.advanceTimersByTimeAsync(10_000)
      display.remove('work')
      await vi.advanceTimersByTimeAsync(10_000)
      display.stop()
      expect(String(stderr.read()).split('\n')).toEqual([
        ...['work          connecting', 'work: a notice', 'work          listing 10 of 20', ''],
      ])
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
