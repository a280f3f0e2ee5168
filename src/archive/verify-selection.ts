/** Which messages a verification reads: all of them, a random share, or the longest unverified as long as time lasts. */
import type { ArchiveReader } from './reader.ts'
import { type Walked, walkRows } from './row-walk.ts'

/** Row ids in the order in which they are to be read, eight octets each; and what the catalog could not tell. */
export interface Chosen {
  readonly ids: Float64Array
  /** How many there are to choose from: messages whose octets should be here. */
  readonly of: number
  readonly gaps: readonly Extract<Walked, { readonly type: 'gap' }>[]
}

/**
 * Every message with the same chance, and exactly the share that was asked for, rounded up: one of a small archive too.
 * In the order of the catalog, which is that of the content. `random` gives numbers from 0 to below 1.
 */
export function chooseSample(
  reader: ArchiveReader,
  share: number,
  random: () => number = Math.random,
): Chosen {
  const { ids, of, gaps } = heldMessages(reader)
  let wanted = Math.min(of, Math.ceil(of * share))
  let left = of
  // Selection sampling: each is taken with the chance of those still wanted among those left.
  const chosen = ids.filter(() => {
    const isTaken = random() * left < wanted
    left -= 1
    if (isTaken) wanted -= 1
    return isTaken
  })
  return { ids: chosen, of, gaps }
}

/** All messages: those never verified first, then those whose last verification is the longest ago. */
export function chooseOldest(reader: ArchiveReader): Chosen {
  const { ids, times, of, gaps } = heldMessages(reader)
  const order = Uint32Array.from(ids, (_, index) => index)
  order.sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b)
  return { ids: Float64Array.from(order, (index) => ids[index] ?? 0), of, gaps }
}

/** Not those that their owner removed: of them there is nothing to read. `times` in ms, 0 if never verified. */
function heldMessages(reader: ArchiveReader) {
  const page = reader.database.prepare(
    `SELECT id, verified_at FROM message WHERE id > ? AND removed = 0 ORDER BY id LIMIT ?`,
  )
  let ids = new Float64Array(1024)
  let times = new Float64Array(1024)
  let of = 0
  const gaps: Extract<Walked, { readonly type: 'gap' }>[] = []
  for (const walked of walkRows(page, 1000)) {
    if (walked.type === 'gap') {
      gaps.push(walked)
      continue
    }
    if (of === ids.length) {
      ids = grown(ids)
      times = grown(times)
    }
    ids[of] = Number(walked.row.id)
    times[of] = Date.parse(String(walked.row.verified_at)) || 0
    of += 1
  }
  return { ids: ids.subarray(0, of), times: times.subarray(0, of), of, gaps }
}

function grown(numbers: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(numbers.length * 2)
  larger.set(numbers)
  return larger
}
