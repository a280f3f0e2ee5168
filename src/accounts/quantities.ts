/** Durations and sizes as people write them in options and in the config file. */

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
  ['y', 365 * 86_400_000],
])

/** `12h`, `30d`, `2w` or `1y` (365 days) in ms; undefined for anything else. Without a unit it is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9}) ?([hdwy])$/.exec(text.trim()) ?? []
  return product(digits, UNIT_MS.get(unit ?? ''))
}

const SPAN_UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** How long a run may take: `90s`, `10m` or `2h` in ms; undefined for anything else, and for 0. */
export function parseTimeSpan(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9}) ?([smh])$/.exec(text.trim()) ?? []
  return product(digits, SPAN_UNIT_MS.get(unit ?? '')) || undefined
}

const UNIT_OCTETS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['K', 1024],
  ['M', 1024 ** 2],
  ['G', 1024 ** 3],
  ['T', 1024 ** 4],
])

/** `500000`, `200K`, `10M`, `1G` (powers of 1024; `B` or `iB` may follow) in octets; undefined for anything else. */
export function parseOctets(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,15}) ?([KMGT]?)(?:i?B)?$/i.exec(text.trim()) ?? []
  return product(digits, UNIT_OCTETS.get(unit?.toUpperCase() ?? ''))
}

function product(digits: string | undefined, factor: number | undefined): number | undefined {
  if (digits === undefined || factor === undefined) return undefined
  const value = Number(digits) * factor
  return Number.isSafeInteger(value) ? value : undefined
}
