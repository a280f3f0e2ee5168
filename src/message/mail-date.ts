/** Dates as mail writes them (RFC 5322 section 3.3 and 4.3), and as forty years of programs wrote them instead. */
import { MAX_DATE_CHARACTERS } from './limits.ts'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

// Minutes east of UTC. RFC 822 knows the first ten; the others are unambiguous and were common.
const ZONES: ReadonlyMap<string, number> = new Map([
  ['ut', 0],
  ['gmt', 0],
  ['est', -300],
  ['edt', -240],
  ['cst', -360],
  ['cdt', -300],
  ['mst', -420],
  ['mdt', -360],
  ['pst', -480],
  ['pdt', -420],
  ['utc', 0],
  ['wet', 0],
  ['west', 60],
  ['bst', 60],
  ['cet', 60],
  ['met', 60],
  ['mez', 60],
  ['cest', 120],
  ['mest', 120],
  ['mesz', 120],
  ['eet', 120],
  ['eest', 180],
  ['msk', 180],
  ['msd', 240],
  ['jst', 540],
  ['kst', 540],
  ['aest', 600],
  ['aedt', 660],
  ['nzst', 720],
  ['nzdt', 780],
  ['akst', -540],
  ['akdt', -480],
  ['hst', -600],
])

const FIRST_MOMENT = Date.UTC(1970, 0)
/** The first that is too late. */
const END_OF_MOMENTS = Date.UTC(2101, 0)

/** Mon, 1 Jan 2026 12:00:00 +0300, perhaps with a comment: what nearly all programs write, and read several times as fast. */
const USUAL =
  /^(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d\d)(\d\d)(?: \([A-Za-z]+\))?$/

/**
 * The moment that a Date field names, as `YYYY-MM-DDTHH:MM:SSZ`, or null if it names none, or one before 1970 or after
 * 2100.
 *
 * The weekday is not looked at. Two-digit years are of 1950-2049, three-digit ones count from 1900 (RFC 5322 section
 * 4.3). Military and unknown zones are UTC, as that section advises. Without a zone, a comment such as `(MSD)` is asked.
 */
export function parseMailDate(body: string): string | null {
  if (body.length > MAX_DATE_CHARACTERS) return null
  const usual = USUAL.exec(body)
  if (usual) {
    const [, day, month = '', year, hour, minute, second, hoursEast = '', minutesEast] = usual
    const east = Number(hoursEast.slice(1)) * 60 + Number(minutesEast)
    return utcText(
      { year: Number(year), month: monthOf(month), day: Number(day) },
      { hour: Number(hour), minute: Number(minute), second: Number(second) },
      hoursEast.startsWith('-') ? -east : east,
    )
  }
  const { text, comment } = splitComments(body)
  const match =
    // 1 Jan 1998 12:00:00 +0300, also with hyphens, and without seconds
    /(?:^|[\s,])(\d{1,2})[\s-]+([a-z]{3})[a-z]*\.?[\s,-]+(\d{2,4})[\s,]+(\d{1,2}[:.]\d{2}\S*)(.*)$/i.exec(
      text,
    )
  if (match) {
    const [, day = '', month = '', year = '', time = '', rest = ''] = match
    return moment(yearOf(year), month, day, time, zoneOf(rest, comment))
  }
  // asctime: Jan  1 12:00:00 1998, with a zone before or after the year
  const asctime =
    /(?:^|[\s,])([a-z]{3})[a-z]*\s+(\d{1,2}),?\s+(\d{1,2}:\d{2}\S*)\s+(?:([a-z]{1,5}|[+-]\d{4})\s+)?(\d{4})(?:\s+(\S.*))?$/i.exec(
      text,
    )
  if (!asctime) return null
  const [, month = '', day = '', time = '', before = '', year = '', after = ''] = asctime
  return moment(Number(year), month, day, time, zoneOf(before || after, comment))
}

/** Digits to a year as RFC 5322 section 4.3 reads two and three of them. */
function yearOf(digits: string): number {
  const year = Number(digits)
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year
  return digits.length === 3 ? 1900 + year : year
}

/** Minutes east of UTC. */
function zoneOf(text: string, comment: string): number {
  const numeric = /^\s*(?:gmt|utc?)?\s*([+-])(\d{2}):?(\d{2})\b/i.exec(text)
  if (numeric) {
    const [, sign, hours, minutes] = numeric
    const east = Number(hours) * 60 + Number(minutes)
    return sign === '-' ? -east : east
  }
  const name = /[a-z]+/i.exec(text)?.[0] ?? comment.trim()
  return ZONES.get(name.toLowerCase()) ?? 0
}

function moment(
  year: number,
  month: string,
  day: string,
  time: string,
  zone: number,
): string | null {
  const clock = /^(\d{1,2})[:.](\d{2})(?:[:.](\d{2})(?:[.,]\d+)?)?(?=$|[a-z+-])/i.exec(time)
  if (clock === null) return null
  const [whole, hour, minute, second = '0'] = clock
  return utcText(
    { year, month: monthOf(month), day: Number(day) },
    { hour: Number(hour), minute: Number(minute), second: Number(second) },
    // A zone may follow without a space: 12:00:00+0300
    whole.length < time.length ? zoneOf(time.slice(whole.length), '') : zone,
  )
}

/** From 0; -1: it is none. */
function monthOf(name: string): number {
  return MONTHS.indexOf(name.toLowerCase())
}

/** `east`: minutes of its zone. Null if there is no such moment, or none to believe. */
function utcText(
  { year, month, day }: { readonly year: number; readonly month: number; readonly day: number },
  { hour, minute, second }: Readonly<Record<'hour' | 'minute' | 'second', number>>,
  east: number,
): string | null {
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return null
  if (Math.abs(east) >= 24 * 60) return null
  // A leap second has no moment of its own here.
  const local = Date.UTC(year, month, day, hour, minute, Math.min(second, 59))
  if (day > 28 && new Date(local).getUTCDate() !== day) return null
  const time = local - east * 60_000
  if (!(time >= FIRST_MOMENT && time < END_OF_MOMENTS)) return null
  return `${new Date(time).toISOString().slice(0, 19)}Z`
}

/** Takes comments out (RFC 5322 section 3.2.2), nested ones too; `comment` is the text of the first. */
function splitComments(body: string): { text: string; comment: string } {
  if (!body.includes('(')) return { text: body.trim(), comment: '' }
  let text = ''
  let comment = ''
  let depth = 0
  let comments = 0
  for (const character of body) {
    if (character === '(' && depth++ === 0) comments++
    else if (character === ')' && depth > 0) {
      if (--depth === 0) text += ' '
    } else if (depth === 0) text += character
    else if (comments === 1) comment += character
  }
  return { text: text.trim(), comment }
}
