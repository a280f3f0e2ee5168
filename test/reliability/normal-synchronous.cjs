// A mutant, loaded by --require into each thread of the program: SQLite's commits are left to synchronous=NORMAL, which does
// not sync the write-ahead log. It comes after popkeep has read back what it had set.
const { changeCommands } = require('./sqlite-commands.cjs')

changeCommands((sql, run) => {
  if (sql === 'BEGIN IMMEDIATE') run('PRAGMA synchronous = NORMAL')
  return run(sql)
})
