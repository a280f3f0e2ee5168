import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { barDisplay } from '../../src/cli/progress.ts'

/** What a terminal shows after these octets: only the controls that cli-progress sends. */
function screenOf(octets: string): readonly string[] {
  const lines = ['']
  let row = 0
  let column = 0
  const put = (text: string): void => {
    const line = (lines[row] ?? '').padEnd(column)
    lines[row] = line.slice(0, column) + text + line.slice(column + text.length)
    column += text.length
  }
  for (const [token, count, control] of octets.matchAll(
    /\x1b\[\??(\d*)(?:;\d+)?([A-Za-z])|\r|\n|[^\x1b\r\n]+/g,
  )) {
    if (token === '\n') row += 1
    if (token === '\n' || token === '\r') column = 0
    else if (control === 'A') row = Math.max(0, row - Number(count || 1))
    else if (control === 'G') column = Number(count || 1) - 1
    else if (control === 'K') lines[row] = count === '2' ? '' : (lines[row] ?? '').slice(0, column)
    else if (control === 'J') lines.splice(row, lines.length, (lines[row] ?? '').slice(0, column))
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
    stderr.columns = 24
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
})
