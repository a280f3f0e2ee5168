import { describe, expect, it } from 'vitest'
import { PIPELINED, Window } from '../../src/client/window.ts'

/** How many commands of one kind the window takes before it is full. */
function fill(window: Window, commandOctets: number, listedOctets: number | undefined): number {
  let taken = 0
  window.fill(() => {
    while (taken < 1000 && window.admit(commandOctets, listedOctets)) taken += 1
  })
  return taken
}

describe('Window', () => {
  it.each([
    ['commands', 10, 1000, 100],
    ['command octets', 160, 1000, 76],
    ['response octets', 10, 100 * 1024, 40],
    ['unlisted sizes', 10, undefined, 100],
    ['large messages, a MiB each', 10, 100 * 1024 * 1024, 4],
  ])('is bounded by %s', (_title, commandOctets, listedOctets, expected) => {
    expect(fill(new Window(PIPELINED), commandOctets, listedOctets)).toBe(expected)
  })

  it('always takes a lone command', () => {
    const window = new Window({
      commands: 1,
      mostCommands: 1,
      commandOctets: 1,
      responseOctets: 1,
      uncheckedRows: 1,
    })
    expect(fill(window, 10, 1000)).toBe(1)
    window.answered()
    expect(fill(window, 10, 1000)).toBe(1)
  })

  it('asks to be filled when half was answered', () => {
    const window = new Window(PIPELINED)
    expect(window.isLow).toBe(true)
    fill(window, 10, 1000)
    for (let answered = 0; answered < 49; answered += 1) {
      window.answered()
      expect(window.isLow).toBe(false)
    }
    window.answered()
    expect(window.isLow).toBe(true)
    expect(window.outstanding).toBe(50)
  })

  it('asks for it sooner where it is wide: what is asked for late comes a round trip late', () => {
    const window = new Window({ ...PIPELINED, commands: 1000 })
    fill(window, 10, 1000)
    for (let answered = 0; answered < 99; answered += 1) window.answered()
    expect(window.isLow).toBe(false)
    window.answered()
    expect(window.isLow).toBe(true)
    expect(window.outstanding).toBe(900)
  })

  describe('with round trips of 50 ms', () => {
    let now = 0
    const pace = { roundTripMs: 50, now: () => now }

    /** Answers each filling as it comes, `perRoundTrip` at most in 50 ms; the commands that fit after each round trip. */
    function roundTrips(window: Window, times: number, perRoundTrip: number): number[] {
      const commands: number[] = []
      for (let time = 0; time < times; time += 1) {
        now += 50
        for (let left = Math.min(perRoundTrip, window.outstanding); left > 0; left -= 1) {
          window.answered()
          if (window.isLow) fill(window, 10, 1000)
        }
        commands.push(window.limits.commands)
      }
      return commands
    }

    it('is as wide as it may be behind the first round trip, where all came at once', () => {
      const window = new Window(PIPELINED, pace)
      fill(window, 10, 1000)
      expect(roundTrips(window, 9, 10_000)).toEqual(Array(9).fill(1000))
      expect(window.outstanding).toBe(1000)
    })

    it('holds what comes within four round trips', () => {
      const window = new Window(PIPELINED, pace)
      fill(window, 10, 1000)
      const commands = []
      for (let reply = 0; reply < 2000; reply += 1) {
        // 100 a round trip
        now += 0.5
        window.answered()
        if (window.isLow) fill(window, 10, 1000)
        commands.push(window.limits.commands)
      }
      expect(Math.max(...commands)).toBeGreaterThanOrEqual(400)
      expect(Math.max(...commands)).toBeLessThan(420)
      // Fewer replies than half of it say nothing of a rate.
      expect(new Set(commands).size).toBeLessThanOrEqual(3)
    })

    it('is told little by replies that waited for us', () => {
      const near = { roundTripMs: 0.4, now: () => 0 }
      const window = new Window(PIPELINED, near)
      fill(window, 10, 1000)
      expect(new Set(roundTrips(window, 9, 10_000))).toEqual(new Set([100]))
    })

    it('counts the silence of a server that answers in lumps', () => {
      const slow = { roundTripMs: 10, now: () => now }
      const window = new Window(PIPELINED, slow)
      fill(window, 10, 1000)
      const commands: number[] = []
      for (let lump = 0; lump < 5; lump += 1) {
        // 10 ms a command
        now += 1000
        for (let left = window.outstanding; left > 0; left -= 1) window.answered()
        fill(window, 10, 1000)
        commands.push(window.limits.commands)
      }
      expect(commands).toEqual(Array(5).fill(100))
    })

    it('stays as it is while a server needs more time than the wire', () => {
      const window = new Window(PIPELINED, pace)
      fill(window, 10, 1000)
      expect(new Set(roundTrips(window, 50, 15))).toEqual(new Set([100]))
    })

    it('does not grow beyond what a broken session left', () => {
      const window = new Window({ ...PIPELINED, commands: 25, mostCommands: 25 }, pace)
      fill(window, 10, 1000)
      expect(new Set(roundTrips(window, 9, 10_000))).toEqual(new Set([25]))
    })
  })

  it('does not grow where nobody knows how long a round trip takes', () => {
    let now = 0
    const window = new Window(PIPELINED, { roundTripMs: undefined, now: () => (now += 50) })
    for (let time = 0; time < 9; time += 1) {
      for (let left = fill(window, 10, 1000); left > 0; left -= 1) window.answered()
    }
    expect(window.limits.commands).toBe(100)
  })

  it('asks to be filled when a large message ahead was answered', () => {
    const window = new Window(PIPELINED)
    window.fill(() => {
      window.admit(10, 1024 * 1024)
      for (let small = 0; small < 9; small += 1) window.admit(10, 1000)
    })
    window.answered()
    expect(window.isLow).toBe(true)
  })
})
