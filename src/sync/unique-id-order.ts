import { startOf, type UniqueIds } from '../pop3/unique-id-column.ts'

/**
 * Of each entry of `rows`, the equal one of `others`, or -1. Undefined unless both columns ascend strictly, octet by octet: most
 * servers list unique-ids that count, and an archive has its own in order, so that nothing needs to be looked up.
 */
export function equalsInOrder(rows: UniqueIds, others: UniqueIds): Int32Array | undefined {
  if (!isAscending(rows) || !isAscending(others)) return undefined
  const equals = new Int32Array(rows.ends.length).fill(-1)
  let other = 0
  for (let row = 0; row < equals.length; row += 1) {
    let order = -1
    while (other < others.ends.length) {
      order = compare(others, other, rows, row)
      if (order >= 0) break
      other += 1
    }
    if (order === 0) equals[row] = other
  }
  return equals
}

/** Whether each is there, and behind the one before it: so no two are equal. */
export function isAscending({ octets, ends }: UniqueIds): boolean {
  let formerStart = 0
  let start = 0
  for (let index = 0; index < ends.length; index += 1) {
    const end = ends[index] ?? 0
    let former = formerStart
    let at = start
    while (former < start && at < end && octets[former] === octets[at]) {
      former += 1
      at += 1
    }
    const isBehind = at < end && (former === start || (octets[former] ?? 0) < (octets[at] ?? 0))
    if (!isBehind) return false
    formerStart = start
    start = end
  }
  return true
}

/** Negative where `a` comes before `b`, 0 where they are equal. */
function compare(a: UniqueIds, indexOfA: number, b: UniqueIds, indexOfB: number): number {
  const startOfA = startOf(a, indexOfA)
  const startOfB = startOf(b, indexOfB)
  const octetsOfA = (a.ends[indexOfA] ?? 0) - startOfA
  const octetsOfB = (b.ends[indexOfB] ?? 0) - startOfB
  const shared = Math.min(octetsOfA, octetsOfB)
  for (let at = 0; at < shared; at += 1) {
    const difference = (a.octets[startOfA + at] ?? 0) - (b.octets[startOfB + at] ?? 0)
    if (difference !== 0) return difference
  }
  return octetsOfA - octetsOfB
}
