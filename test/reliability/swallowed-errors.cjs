// A mutant, loaded by --require into each thread of the program: a failed fsync, and a failed COMMIT, count as done.
const fs = require('node:fs')
const { changeCommands } = require('./sqlite-commands.cjs')

const { fsync, fsyncSync } = fs

fs.fsync = (descriptor, done) => fsync(descriptor, () => done(null))
fs.fsyncSync = (descriptor) => {
  try {
    fsyncSync(descriptor)
  } catch {
    // Whoever asked goes on as if the octets were on the disk.
  }
}

changeCommands((sql, run) => {
  try {
    return run(sql)
  } catch (error) {
    if (sql !== 'COMMIT') throw error
    return undefined
  }
})
