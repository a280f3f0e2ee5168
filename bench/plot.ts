/** Time against messages as an SVG, both axes by powers of ten, with colours that can be read on white and on dark. */

export interface Point {
  readonly messages: number
  readonly ms: number
}

export interface Series {
  readonly name: string
  readonly colour: string
  /** By messages, ascending. */
  readonly points: readonly Point[]
}

/** As much of a work's report as is drawn; those without `messages` are not. */
export interface WorkReport {
  readonly messages?: number | undefined
  readonly rows: readonly { readonly contestant: string; readonly medianMs: number }[]
}

/** Series by what the names of their contestants begin with. Each colour has a contrast of 3 to white and to GitHub's dark. */
export const COLOURS: Readonly<Record<string, string>> = {
  'popkeep, sqlite': '#2f81f7',
  'popkeep, maildir': '#a060f0',
  mpop: '#bf8000',
  getmail6: '#e5534b',
  fetchmail: '#2f9e4f',
  floor: '#808080',
}

/** Of what is neither a series nor ground. */
export const INK = '#808080'

const WIDTH = 720
const HEIGHT = 440
const FRAME = { left: 62, right: 560, top: 24, bottom: 392 }
const LABEL_HEIGHT = 16

/**
 * The series of all reports, each point the best of its contestants: the floor has one for each window. Where two reports have
 * the same number of messages, the later counts.
 */
export function seriesOf(reports: readonly WorkReport[]): readonly Series[] {
  return Object.entries(COLOURS).flatMap(([name, colour]) => {
    const best = new Map<number, number>()
    for (const { messages, rows } of reports) {
      const times = rows.filter((row) => isOf(name, row.contestant)).map((row) => row.medianMs)
      if (messages !== undefined && times.length > 0) best.set(messages, Math.min(...times))
    }
    const points = [...best].map(([messages, ms]) => ({ messages, ms }))
    points.sort((a, b) => a.messages - b.messages)
    return points.length > 0 ? [{ name, colour, points }] : []
  })
}

/** What runs elsewhere than on the disk is no peer of what runs there. */
function isOf(series: string, contestant: string): boolean {
  return contestant.startsWith(series) && !contestant.endsWith('tmpfs')
}

/** Throws where there is nothing to draw. */
export function plot(series: readonly Series[], title: string): string {
  const points = series.flatMap((one) => one.points)
  if (points.length === 0) throw new Error('nothing to plot')
  const x = axis(
    points.map(({ messages }) => messages),
    { from: FRAME.left, to: FRAME.right },
  )
  const y = axis(
    points.map(({ ms }) => ms),
    { from: FRAME.bottom, to: FRAME.top },
  )
  const at = ({ messages, ms }: Point) => ({ x: x.at(messages), y: y.at(ms) })
  const ends = series.map(({ points: [...own] }) => at(own.at(-1) as Point))
  const heights = spread(ends.map((end) => end.y))
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    ...x.ticks.map((tick) => vertical(x.at(tick), tick.toLocaleString('en-US'))),
    ...y.ticks.map((tick) => horizontal(y.at(tick), secondsOf(tick))),
    text({ x: (FRAME.left + FRAME.right) / 2, y: HEIGHT - 10, anchor: 'middle' }, 'messages'),
    text({ x: FRAME.left, y: 14, anchor: 'middle' }, 'time'),
    ...series.flatMap(({ name, colour, points: own }, index) => {
      const places = own.map(at)
      const end = ends[index] ?? { x: 0, y: 0 }
      const label = { x: FRAME.right + 14, y: heights[index] ?? end.y }
      const dash = name === 'floor' ? ' stroke-dasharray="6 4"' : ''
      return [
        `<polyline points="${places.map(pair).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`,
        ...places.map(
          (place) =>
            `<circle cx="${round(place.x)}" cy="${round(place.y)}" r="3" fill="${colour}"/>`,
        ),
        `<path d="M${pair(end)} L${pair({ ...label, x: label.x - 4 })}" stroke="${colour}" stroke-opacity="0.5"/>`,
        text({ ...label, y: label.y + 4, colour }, name),
      ]
    }),
    '</svg>',
  ]
  return `${lines.join('\n')}\n`
}

/** Whole powers of ten around the values; a place for each value, and the powers. */
function axis(
  values: readonly number[],
  { from, to }: { readonly from: number; readonly to: number },
) {
  const low = Math.floor(Math.log10(Math.min(...values)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))))
  return {
    at: (value: number) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
    ticks: Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)),
  }
}

/** Heights near those asked for, in their order, with room for a line of text between them. */
export function spread(heights: readonly number[]): readonly number[] {
  const order = heights.map((height, index) => ({ height, index }))
  order.sort((a, b) => a.height - b.height)
  const placed: number[] = []
  let least = Number.NEGATIVE_INFINITY
  for (const { height, index } of order) {
    least = Math.max(height, least)
    placed[index] = least
    least += LABEL_HEIGHT
  }
  const over = Math.max(0, Math.max(...placed) - FRAME.bottom)
  return placed.map((height) => height - over)
}

function vertical(at: number, label: string): string {
  return `${rule({ x: at, y: FRAME.top }, { x: at, y: FRAME.bottom })}\n${text({ x: at, y: FRAME.bottom + 18, anchor: 'middle' }, label)}`
}

function horizontal(at: number, label: string): string {
  return `${rule({ x: FRAME.left, y: at }, { x: FRAME.right, y: at })}\n${text({ x: FRAME.left - 8, y: at + 4, anchor: 'end' }, label)}`
}

interface Place {
  readonly x: number
  readonly y: number
}

function rule(from: Place, to: Place): string {
  return `<path d="M${pair(from)} L${pair(to)}" stroke="${INK}" stroke-opacity="0.35"/>`
}

function text(
  { x, y, anchor = 'start', colour = INK }: Place & { anchor?: string; colour?: string },
  words: string,
): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}" fill="${colour}">${escaped(words)}</text>`
}

function pair({ x, y }: Place): string {
  return `${round(x)},${round(y)}`
}

function secondsOf(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toLocaleString('en-US')} s`
}

function round(number: number): number {
  return Number(number.toFixed(1))
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
