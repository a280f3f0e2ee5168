/** The rows of all figures as a Markdown table, for the terminal and for README.md. */
export function markdownTable(rows) {
  const cells = rows.map((row) => [
    row.figure,
    row.contestant,
    `${(row.medianMs / 1000).toFixed(2)} s`,
    row.ratio.toFixed(2),
    `${row.peakMB} MB`,
  ])
  const all = [['figure', 'program', 'median', 'ratio', 'peak memory'], ...cells]
  const widths = all[0].map((_, column) => Math.max(...all.map((line) => line[column].length)))
  const [head, ...body] = all.map(
    (line) => `| ${line.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`,
  )
  return [head, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body].join('\n')
}
