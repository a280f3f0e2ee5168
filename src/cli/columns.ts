/** Text laid out in columns of a terminal. Strings must be safe already (safe.ts). */

let segmenter: Intl.Segmenter | undefined

const ASCII = /^[\x20-\x7e]*$/
const ZERO = /^[\p{Mark}\p{Default_Ignorable_Code_Point}]+$/u
// East Asian Width W and F by script and block, close enough for a table: kana, Hangul, Han, full-width forms.
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]/u
const EMOJI = /\p{Emoji_Presentation}|\ufe0f/u

/** Columns that the text takes on a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes(text)) width += graphemeWidth(segment)
  return width
}

/** The text in exactly `width` columns: padded with spaces, or cut with an ellipsis. */
export function padded(text: string, width: number): string {
  const missing = width - textWidth(text)
  return missing >= 0 ? text + ' '.repeat(missing) : cut(text, width)
}

/** The text, cut with an ellipsis to at most `width` columns. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let kept = ''
  let used = 0
  for (const { segment } of graphemes(text)) {
    const next = used + graphemeWidth(segment)
    if (next > width - 1) break
    kept += segment
    used = next
  }
  return `${kept}…${' '.repeat(Math.max(0, width - 1 - used))}`
}

/** The text in at most `width` columns, its middle left out: names often differ at their ends only. */
export function shortened(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  const segments = [...graphemes(text)].map(({ segment }) => segment)
  const tail = fitting(segments.toReversed(), Math.floor((width - 1) / 2))
    .toReversed()
    .join('')
  return `${fitting(segments, width - 1 - textWidth(tail)).join('')}…${tail}`
}

/** As many of the first segments as have room in `width` columns. */
function fitting(segments: readonly string[], width: number): readonly string[] {
  let left = width
  const end = segments.findIndex((segment) => {
    left -= graphemeWidth(segment)
    return left < 0
  })
  return end < 0 ? segments : segments.slice(0, end)
}

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const

/** Octets for a person: `812 B`, `3.4 MB`. Powers of 1000, as disks and providers count. */
export function humanOctets(octets: number): string {
  if (octets < 1000) return `${octets} B`
  let value = octets / 1000
  let unit = 0
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`
}

/** `1 message`, `1,204 messages`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`
}

/** The segmenter is made when the first text asks for it: it costs 15 ms, and most runs have none. */
function graphemes(text: string): Iterable<Intl.SegmentData> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return segmenter.segment(text)
}

function graphemeWidth(grapheme: string): number {
  if (ZERO.test(grapheme)) return 0
  return WIDE.test(grapheme) || EMOJI.test(grapheme) ? 2 : 1
}
