import { execFileSync } from 'node:child_process'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { dovecotVersion } from '../test/support/dovecot.ts'
import { versionOf } from './contestants.mjs'

/** What has to be known of a machine to judge its figures. `folder` is where the archives were written. */
export function machineFacts(folder) {
  return {
    processor: cpus()[0]?.model,
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 1e9),
    system: `${platform()} ${release()} ${arch()}`,
    fileSystem: fileSystemOf(folder),
    node: process.version,
    dovecot: dovecotVersion(),
    mpop: versionOf('mpop'),
    getmail6: versionOf('getmail'),
    fetchmail: versionOf('fetchmail'),
  }
}

function fileSystemOf(folder) {
  return execFileSync('stat', ['-f', '-c', '%T', folder], { encoding: 'utf8' }).trim()
}
