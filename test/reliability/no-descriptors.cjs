// Loaded by --require into each thread of the program: from the search for the SQLite driver on it can open nothing more.
const { execFileSync } = require('node:child_process')
const Module = require('node:module')

const resolveFilename = Module._resolveFilename
Module._resolveFilename = function (request, ...others) {
  if (request.startsWith('better-sqlite3/')) {
    execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=0:'])
    Module._resolveFilename = resolveFilename
  }
  return resolveFilename.call(this, request, ...others)
}
