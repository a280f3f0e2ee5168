/** The file that remembers archives, as crashes and others may leave it. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { ArchiveRecord } from '../../src/archive/archive-record.ts'
import { ArchiveError } from '../../src/durable/errors.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const folders: TemporaryFolder[] = []
let file: string

beforeEach(() => {
  const folder = temporaryFolder('archive-record')
  folders.push(folder)
  file = join(folder.path, 'archives')
})

afterAll(() => {
  for (const folder of folders) folder.remove()
})

const location = { kind: 'sqlite', path: '/disk/mail.sqlite' } as const

describe('a record of archives', () => {
  it('keeps a new line apart from half a line', () => {
    writeFileSync(file, '"sqlite:/disk/fir')
    const record = new ArchiveRecord(file)
    record.add(location)
    record.add(location)
    expect(readFileSync(file, 'utf8')).toBe('"sqlite:/disk/fir\n"sqlite:/disk/mail.sqlite"\n')
    expect([...record.archives()]).toEqual(['sqlite:/disk/mail.sqlite'])
  })

  it.each([
    ['of 3 GB', () => truncateSync(file, 3e9)],
    ['of 20 MB', () => truncateSync(file, 2e7)],
  ])('is not read from a file %s', (_, make) => {
    writeFileSync(file, '')
    make()
    const record = new ArchiveRecord(file)
    expect(() => record.archives()).toThrow(ArchiveError)
    expect(() => record.add(location)).toThrow('too large')
  })

  it('waits for no pipe, and reads no folder', () => {
    const record = new ArchiveRecord(file)
    mkdirSync(file)
    expect(() => record.add(location)).toThrow('is no file')
    const pipe = new ArchiveRecord(`${file}-pipe`)
    execFileSync('mkfifo', [`${file}-pipe`])
    expect(() => pipe.archives()).toThrow('is no file')
    expect(() => pipe.add(location)).toThrow('is no file')
  })
})
