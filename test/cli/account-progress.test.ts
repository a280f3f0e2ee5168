import { describe, expect, it } from 'vitest'
import { AccountProgress } from '../../src/cli/account-progress.ts'
import { textWidth } from '../../src/cli/columns.ts'

const account = 'work'

/** An account that was told to retrieve 1,204 messages of 10 MB at time 0 and has 5 MB after ten seconds. */
function halfway(): AccountProgress {
  const progress = new AccountProgress(account)
  progress.take(
    { type: 'plan', account, listed: 2000, known: 796, retrieve: 1204, octets: 10e6, delete: 0 },
    0,
  )
  for (let step = 1; step <= 10; step += 1) {
    progress.take({ type: 'receiving', account, octets: 500_000 }, step * 1000)
    progress.take({ type: 'stored', account, octets: 500_000, isNew: true }, step * 1000)
  }
  return progress
}

describe('AccountProgress', () => {
  it('shows life while it connects and lists', () => {
    const progress = new AccountProgress(account)
    progress.take({ type: 'connecting', account }, 0)
    expect(progress.line(80, 0)).toBe('work          connecting')
    progress.take({ type: 'listing', account, rows: 12_000, total: 100_000 }, 0)
    expect(progress.line(80, 0)).toBe('work          listing 12,000 of 100,000')
  })

  it('counts down while it waits, by the clock on the wall', () => {
    const progress = new AccountProgress(account)
    const until = new Date(2026, 2, 1, 3, 22, 5)
    const at = until.getTime() - 65_000
    progress.take({ type: 'waiting', account, until: until.toISOString(), reason: 'pause' }, at)
    const line = (now: number) => progress.line(80, now)
    expect(line(at)).toBe("work          waits until 03:22:05 for the server's pause  1:05 left")
    expect(line(at + 70_000)).toContain('0:00 left')
    progress.take({ type: 'connecting', account }, at)
    expect(line(at)).toBe('work          connecting')
    progress.take({ type: 'waiting', account, until: undefined, reason: 'locked' }, at)
    expect(line(at)).toBe('work          waits for another run to end')
  })

  it('goes on counting where a further session brings more', () => {
    const progress = halfway()
    progress.take(
      { type: 'plan', account, listed: 90, known: 0, retrieve: 90, octets: 1e6, delete: 0 },
      20_000,
    )
    expect(progress.line(80, 20_000)).toContain('10/100  5.0 MB of 6.0 MB')
  })

  it('shows messages, octets, rate and time left', () => {
    expect(halfway().line(120, 10_000)).toBe(
      `work                  ${'█'.repeat(10)}${'░'.repeat(10)}  10/1,204  5.0 MB of 10.0 MB  500.0 kB/s  0:10 left`,
    )
  })

  it('has room for everything in 80 columns', () => {
    expect(halfway().line(80, 10_000)).toBe(
      `work          ${'█'.repeat(4)}${'░'.repeat(4)}  10/1,204  5.0 MB of 10.0 MB  500.0 kB/s  0:10 left`,
    )
  })

  it('shows the same parts from the first message to the last', () => {
    const progress = new AccountProgress(account)
    const plan = { type: 'plan', account, listed: 20_000, known: 0, delete: 0 } as const
    progress.take({ ...plan, retrieve: 20_000, octets: 63.6e6 }, 0)
    const partsAt = (now: number) =>
      progress.line(79, now).replace(/[^ ]+/g, 'x').split('  ').length
    const seen = new Set<number>()
    for (let step = 1; step <= 20_000; step += 1) {
      progress.take({ type: 'receiving', account, octets: 3180 }, step)
      progress.take({ type: 'stored', account, octets: 3180, isNew: true }, step)
      if (step > 1000 && step % 100 === 0) seen.add(partsAt(step))
      expect(progress.line(79, step)).toContain(' left'.repeat(step > 1000 ? 1 : 0))
    }
    expect(progress.line(79, 20_000)).toContain(
      '████████  20,000/20,000  63.6 MB of 63.6 MB  0:00 left',
    )
    expect(seen.size).toBe(1)
  })

  it('draws nothing where there is nothing to retrieve', () => {
    const progress = new AccountProgress(account)
    const none = { listed: 10, known: 10, retrieve: 0, octets: 0, delete: 0 }
    progress.take({ type: 'plan', account, ...none }, 0)
    expect(progress.line(80, 0)).toBe('work          nothing new')
  })

  it.each([
    [72, 'work          ████░░░░  10/1,204  5.0 MB of 10.0 MB  0:10 left'],
    [62, 'work          10/1,204  5.0 MB of 10.0 MB  0:10 left'],
    [44, 'work          10/1,204  0:10 left'],
    [24, 'work          10/1,204'],
  ])('leaves out whole figures in %d columns', (width, line) => {
    expect(halfway().line(width, 10_000)).toBe(line)
  })

  it('leaves out the middle of a long name', () => {
    expect(new AccountProgress('sales@shop.example.com').line(80, 0)).toBe('sales@…e.com  waiting')
  })

  it.each([10, 20, 40, 80, 200])('fits into %d columns', (width) => {
    expect(textWidth(halfway().line(width, 10_000))).toBeLessThanOrEqual(width)
  })

  it('counts a server that sends more than it listed', () => {
    const progress = halfway()
    progress.take({ type: 'receiving', account, octets: 20e6 }, 11_000)
    expect(progress.line(120, 11_000)).toContain('25.0 MB of 25.0 MB')
  })

  it('does not let an account name reach the terminal as it is', () => {
    expect(new AccountProgress('a\x1b[2J').line(80, 0)).toContain('a\\x1b[2J')
  })
})
