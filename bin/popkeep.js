#!/usr/bin/env node
import { createRequire } from 'node:module'

// Only what an old Node can read may stand here: the sentence must appear, not a syntax error.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `popkeep: needs Node.js 20.19 or newer, and this is ${process.versions.node}. See https://nodejs.org\n`,
  )
  process.exitCode = 78
} else {
  createRequire(import.meta.url)('../dist/start.js').start()
}
