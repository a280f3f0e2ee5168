/** Sections of labels and texts, as `probe` prints them. */
import { padded, textWidth } from './columns.ts'
import { safe } from './safe.ts'

/** A label and what it is about; untrusted text in both. Undefined: not known, and not shown. */
export type Row = readonly [label: string, text: string | undefined]

const WIDTH = 80
const INDENT = '  '
/** So that 64 hex digits have room behind them. */
const LABEL_WIDTH = 11
/** Longer labels have a line of their own. */
const WIDEST_LABEL = 24

/** A title and its rows, labels in a column, texts wrapped; empty if there is nothing to show. */
export function section(title: string, rows: readonly Row[]): string {
  const shown = rows.flatMap(([label, text]) =>
    text === undefined ? [] : [{ label: safe(label), text: safe(text) }],
  )
  if (shown.length === 0) return ''
  const widths = shown.map(({ label }) => textWidth(label)).filter((width) => width <= WIDEST_LABEL)
  const width = Math.max(LABEL_WIDTH, ...widths)
  return `${[title, ...shown.flatMap((row) => lines(row, width))].join('\n')}\n`
}

/** Two things in columns side by side, each wrapped in its own. */
export function comparison(
  title: string,
  [left, right]: readonly [string, string],
  rows: readonly (readonly [label: string, left: string, right: string])[],
): string {
  const labels = rows.map(([label]) => textWidth(safe(label)))
  const width = Math.min(WIDEST_LABEL, Math.max(LABEL_WIDTH, textWidth(title), ...labels))
  const column = Math.floor((WIDTH - width - 2 * INDENT.length) / 2) - 1
  const line = (...[label, then, now]: readonly [string, string, string]): string =>
    `${padded(label, INDENT.length + width)}${INDENT}${padded(then, column)}${INDENT}${now}`.trimEnd()
  const body = rows.flatMap(([label, then, now]) => {
    const [lefts, rights] = [wrapped(safe(then), column), wrapped(safe(now), column)]
    const length = Math.max(lefts.length, rights.length)
    return Array.from({ length }, (_, at) => {
      const head = at === 0 ? `${INDENT}${safe(label)}` : ''
      return line(head, lefts[at] ?? '', rights[at] ?? '')
    })
  })
  return `${[line(title, left, right), ...body].join('\n')}\n`
}

/** Sections that hold anything, with an empty line between them. */
export function sections(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n')
}

function lines(
  { label, text }: { readonly label: string; readonly text: string },
  width: number,
): readonly string[] {
  const isLong = textWidth(label) > width
  const head = isLong ? '' : padded(label, width)
  const margin = INDENT.length + width + INDENT.length
  const [first = '', ...rest] = wrapped(text, WIDTH - margin)
  const hanging = rest.map((line) => `${' '.repeat(margin)}${line}`)
  const line = `${INDENT}${isLong ? ' '.repeat(width) : head}${INDENT}${first}`.trimEnd()
  return isLong ? [`${INDENT}${label}`, line, ...hanging] : [line, ...hanging]
}

/** Broken at blanks; a word that has no room in a line stays whole, so that it can be copied. */
function wrapped(text: string, width: number): readonly string[] {
  const all: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line === '') line = word
    else if (textWidth(line) + 1 + textWidth(word) <= width) line = `${line} ${word}`
    else {
      all.push(line)
      line = word
    }
  }
  return [...all, line]
}
