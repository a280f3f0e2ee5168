/**
 * Merges iterables that are each in order into one in order. Reads one item ahead of each, so memory does not grow with
 * their length. `isBefore` tells whether its first argument comes first; equal items keep the order of their sources.
 */
export function* mergeInOrder<T>(
  sources: readonly Iterable<T>[],
  isBefore: (a: T, b: T) => boolean,
): Generator<T> {
  const heads: { readonly rest: Iterator<T>; item: T }[] = []
  try {
    for (const source of sources) {
      const rest = source[Symbol.iterator]()
      const { done, value } = rest.next()
      if (!done) heads.push({ rest, item: value })
    }
    while (heads.length > 0) {
      const first = heads.reduce((best, head) => (isBefore(head.item, best.item) ? head : best))
      yield first.item
      const { done, value } = first.rest.next()
      if (done) heads.splice(heads.indexOf(first), 1)
      else first.item = value
    }
  } finally {
    for (const { rest } of heads) rest.return?.()
  }
}
