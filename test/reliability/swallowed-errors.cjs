// A mutant, loaded by --require into each thread of the program: a failed fsync, and a failed COMMIT, count as done.
const fs = require('node:fs')

const { fsync, fsyncSync } = fs

fs.fsync = (descriptor, done) => fsync(descriptor, () => done(null))
fs.fsyncSync = (descriptor) => {
  try {
    fsyncSync(descriptor)
  } catch {
    // Whoever asked goes on as if the octets were on the disk.
  }
}

function prototypeOfDatabases() {
  try {
    return require('better-sqlite3').prototype
  } catch {
    return require('node:sqlite').DatabaseSync.prototype
  }
}

const databases = prototypeOfDatabases()
const { exec } = databases

databases.exec = function execAndSwallow(sql) {
  try {
    return exec.call(this, sql)
  } catch (error) {
    if (sql !== 'COMMIT') throw error
    return undefined
  }
}
