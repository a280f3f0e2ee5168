// node file-loop.mjs SOURCE FOLDER: the least that a Maildir delivery can do. Each file of SOURCE is created in tmp/, written,
// fsynced and renamed into new/, one after another.
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'

const [source, folder] = process.argv.slice(2)
for (const name of ['tmp', 'new', 'cur']) mkdirSync(join(folder, name))
for (const name of readdirSync(source)) {
  const octets = readFileSync(join(source, name))
  const draft = join(folder, 'tmp', name)
  const descriptor = openSync(draft, 'wx', 0o600)
  for (let at = 0; at < octets.length; ) at += writeSync(descriptor, octets, at)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(draft, join(folder, 'new', name))
}
