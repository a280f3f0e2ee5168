// For mutants: lets `change` stand between popkeep and what SQLite is told, with whichever driver there is. Of better-sqlite3 that
// is the native part, which the program's own copy of the rest shares.
exports.changeCommands = (change) => {
  const classes = []
  try {
    classes.push(require('better-sqlite3/build/Release/better_sqlite3.node').Database)
  } catch {
    // The other driver is the one in use.
  }
  try {
    classes.push(require('node:sqlite').DatabaseSync)
  } catch {
    // Node 20 has none.
  }
  for (const { prototype } of classes) {
    const { exec } = prototype
    prototype.exec = function (sql) {
      return change(sql, (command) => exec.call(this, command))
    }
  }
}
