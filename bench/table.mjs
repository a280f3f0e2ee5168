/** The rows of all works as a Markdown table, for the terminal and for README.md. */
export function rowTable(reports) {
  const cells = reports.flatMap(({ name, rows }) => {
    const mpop = rows.find(({ contestant }) => contestant.startsWith('mpop'))?.medianMs
    return rows.map(({ contestant, medianMs, runsMs, peakMB }) => [
      name,
      contestant,
      `${(medianMs / 1000).toFixed(2)} s${runsMs.length === 1 ? ' (one run)' : ''}`,
      mpop ? (medianMs / mpop).toFixed(2) : '',
      `${peakMB.toFixed(0)} MB`,
    ])
  })
  return table(['work', 'program', 'median', 'to mpop', 'peak memory'], cells)
}

/** What is to be reached, and what was. */
export function goalTable(goals) {
  const cells = goals.map(({ figure, text, value, limit, isMet }) => [
    figure,
    text,
    String(value),
    String(limit),
    isMet ? 'yes' : 'NO',
  ])
  return table(['figure', 'what', 'seen', 'goal: at most', 'met'], cells)
}

function table(head, cells) {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...cells].map((line) => line[column].length)),
  )
  const [first, ...rest] = [head, ...cells].map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  )
  return [first, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rest].join('\n')
}
