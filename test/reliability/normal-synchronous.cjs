// A mutant, loaded by --require into each thread of the program: SQLite's commits are left to synchronous=NORMAL, which does
// not sync the write-ahead log. It comes after popkeep has read back what it had set, with whichever driver there is.
const weaken = (prototype) => {
  const { exec } = prototype
  prototype.exec = function (sql) {
    if (sql === 'BEGIN IMMEDIATE') exec.call(this, 'PRAGMA synchronous = NORMAL')
    return exec.call(this, sql)
  }
}

for (const load of [
  () => require('better-sqlite3').prototype,
  () => require('node:sqlite').DatabaseSync.prototype,
]) {
  try {
    weaken(load())
  } catch {
    // The other driver is the one in use.
  }
}
