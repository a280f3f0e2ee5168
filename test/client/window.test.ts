import { describe, expect, it } from 'vitest'
import { PIPELINED, Window } from '../../src/client/window.ts'

/** How many commands of one kind the window takes before it is full. */
function fill(window: Window, commandOctets: number, listedOctets: number | undefined): number {
  let taken = 0
  while (taken < 1000 && window.admit(commandOctets, listedOctets)) taken += 1
  window.filled()
  return taken
}

describe('Window', () => {
  it.each([
    ['commands', 10, 1000, 100],
    ['command octets', 16, 1000, 75],
    ['response octets', 10, 100 * 1024, 40],
    ['unlisted sizes', 10, undefined, 100],
    ['large messages, a MiB each', 10, 100 * 1024 * 1024, 4],
  ])('is bounded by %s', (_title, commandOctets, listedOctets, expected) => {
    expect(fill(new Window(PIPELINED), commandOctets, listedOctets)).toBe(expected)
  })

  it('always takes a lone command', () => {
    const window = new Window({
      commands: 1,
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

  it('asks to be filled when a large message ahead was answered', () => {
    const window = new Window(PIPELINED)
    window.admit(10, 1024 * 1024)
    for (let small = 0; small < 9; small += 1) window.admit(10, 1000)
    window.filled()
    window.answered()
    expect(window.isLow).toBe(true)
  })
})
