/** One way to cut octets into chunks, with a name for the test's title. */
export interface Chunking {
  readonly name: string
  readonly chunks: readonly Uint8Array[]
}

/**
 * The ways in which every parser is tested: whole, octet by octet, in twos, threes and sevens, and cut in two at each
 * index. Each chunk is a copy of its own, so that a view that outlives its chunk shows.
 */
export function* chunkings(octets: Uint8Array): Generator<Chunking> {
  yield { name: 'whole', chunks: [octets.slice()] }
  for (const size of [1, 2, 3, 7]) {
    yield { name: `by ${size}`, chunks: cutBy(octets, size) }
  }
  for (let at = 1; at < octets.length; at += 1) {
    yield { name: `cut at ${at}`, chunks: [octets.slice(0, at), octets.slice(at)] }
  }
}

/** Chunks of `size` octets; the last may be shorter. */
export function cutBy(octets: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let at = 0; at < octets.length; at += size) chunks.push(octets.slice(at, at + size))
  return chunks
}

/** Octets of a text, one for each UTF-16 unit. */
export function latin1(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
