/** A figure that has a goal: a ratio, or a bound that the machine has no say in. `isMet` where value <= limit. */
export function goal(figure, text, value, limit) {
  return { figure, text, value: round(value), limit: round(limit), isMet: value <= limit }
}

/** What is counted, and not timed: the same on every machine, so that a benchmark that sees more than `limit` leaves with 1. */
export function counted(text, value, limit) {
  return { ...goal('counts', text, value, limit), isCounted: true }
}

/** The rows by name; `best` is the one with the least median of those whose name begins so. */
export function look(rows) {
  const named = (name) => rows.filter(({ contestant }) => contestant.startsWith(name))
  return {
    ms: (name) => named(name)[0]?.medianMs,
    best: (name) => Math.min(...named(name).map(({ medianMs }) => medianMs)),
    peakMB: (name) => Math.max(...named(name).map(({ peakMB }) => peakMB)),
  }
}

function round(number) {
  return Number(number.toFixed(3))
}
