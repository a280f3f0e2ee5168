import { expect, it } from 'vitest'
import { COLOURS, INK, plot, seriesOf, spread } from '../../bench/plot.ts'

const row = (contestant: string, medianMs: number) => ({ contestant, medianMs })

it('takes the points of the works that say how many messages they had, the best floor, and nothing on tmpfs', () => {
  const series = seriesOf([
    { messages: 1000, rows: [row('floor, window 100', 90), row('floor, window 400', 60)] },
    { rows: [row('floor, window 100', 1)] },
    { messages: 10, rows: [row('mpop, Maildir', 20), row('mpop, Maildir on tmpfs', 2)] },
    { messages: 1000, rows: [row('mpop, Maildir', 700), row('bare Node', 40)] },
  ])
  expect(series.map(({ name, points }) => ({ name, points }))).toEqual([
    {
      name: 'mpop',
      points: [
        { messages: 10, ms: 20 },
        { messages: 1000, ms: 700 },
      ],
    },
    { name: 'floor', points: [{ messages: 1000, ms: 60 }] },
  ])
})

it('goes up by the same height for each power of ten', () => {
  const points = [10, 100, 1000].map((messages) => ({ messages, ms: messages * 10 }))
  const svg = plot([{ name: 'mpop', colour: '#bf8000', points }], 'time')
  const [, places = ''] = /<polyline points="([^"]*)"/.exec(svg) ?? []
  const [a, b, c] = places.split(' ').map((place) => place.split(',').map(Number))
  expect((b?.[0] ?? 0) - (a?.[0] ?? 0)).toBeCloseTo((c?.[0] ?? 0) - (b?.[0] ?? 0), 0)
  expect((a?.[1] ?? 0) - (b?.[1] ?? 0)).toBeCloseTo((b?.[1] ?? 0) - (c?.[1] ?? 0), 0)
  expect(b?.[1]).toBeLessThan(a?.[1] ?? 0)
  expect(svg).toMatch(/>100 ms<.*>10 s</s)
})

it('writes words as text, and draws one number alone', () => {
  const svg = plot([{ name: 'a < b & c', colour: INK, points: [{ messages: 1, ms: 1 }] }], '<&')
  expect(svg).toContain('>a &lt; b &amp; c<')
  expect(svg).toContain('<title>&lt;&amp;</title>')
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
})

it('leaves a line of text between labels, and none below the frame', () => {
  const heights = spread([390, 391, 100, 392])
  const sorted = heights.toSorted((a, b) => a - b)
  for (const [index, height] of sorted.slice(1).entries()) {
    expect(height - (sorted[index] ?? 0)).toBeGreaterThanOrEqual(16)
  }
  expect(sorted.at(-1)).toBeLessThanOrEqual(392)
})

it.each([...Object.entries(COLOURS), ['ink', INK]])(
  'can be read on white and on dark: %s',
  (_, colour) => {
    for (const ground of ['#ffffff', '#0d1117']) {
      expect(contrast(colour, ground)).toBeGreaterThanOrEqual(3)
    }
  },
)

/** WCAG 2.1, of two colours as #rrggbb. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
