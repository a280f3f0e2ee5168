import fs, {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  createEmptyFile,
  createFolder,
  type FileCalls,
  NewFile,
  publishFile,
  replaceFile,
  syncEntry,
  syncFolder,
} from '../../src/durable/files.ts'

let folder: string
let umask: number
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'popkeep-files-'))
  umask = process.umask(0)
})
afterEach(() => {
  process.umask(umask)
  rmSync(folder, { recursive: true, force: true })
})

const octets = (text: string) => new TextEncoder().encode(text)
const modeOf = (path: string) => statSync(path).mode & 0o777
const failing = (call: keyof FileCalls, code: string, when = 1): FileCalls => {
  let left = when
  return {
    ...fs,
    [call]: (...parameters: unknown[]) => {
      left -= 1
      if (left === 0) throw Object.assign(new Error(code), { code, syscall: call })
      return Reflect.apply(fs[call] as () => unknown, fs, parameters)
    },
  }
}

/** The folders that are opened, which is only done to sync them. */
function syncing() {
  const synced: string[] = []
  const openSync = ((path: string, flags: number) => {
    synced.push(path)
    return fs.openSync(path, flags)
  }) as typeof fs.openSync
  return { synced, calls: { ...fs, openSync } }
}

describe('folders and files', () => {
  it('are 0700 and 0600 under umask 000', () => {
    createFolder(join(folder, 'a/b/c'))
    createFolder(join(folder, 'a/b/c'))
    expect(modeOf(join(folder, 'a'))).toBe(0o700)
    expect(modeOf(join(folder, 'a/b/c'))).toBe(0o700)
    expect(createEmptyFile(join(folder, 'a/f'))).toBe(true)
    expect(createEmptyFile(join(folder, 'a/f'))).toBe(false)
    expect(modeOf(join(folder, 'a/f'))).toBe(0o600)
  })

  it('sync the parent of each folder they create, and the entry of the first parent', () => {
    const { synced, calls } = syncing()
    createFolder(join(folder, 'a/b'), calls)
    // A run that was killed may have made `folder` and not have synced that.
    expect(new Set(synced)).toEqual(new Set([dirname(folder), folder, join(folder, 'a')]))
    synced.length = 0
    createFolder(join(folder, 'a/b'), calls)
    expect(synced).toEqual([])
    syncEntry(join(folder, 'a/b'), calls)
    expect(synced).toEqual([join(folder, 'a')])
  })

  it.each([
    ['openSync', 'EACCES', undefined],
    ['fsyncSync', 'EINVAL', undefined],
    ['fsyncSync', 'EIO', 'ARCHIVE_IO'],
  ] as const)('need no sync where popkeep makes none: %s gives %s', (call, code, expected) => {
    const sync = () => syncEntry(join(folder, 'a'), failing(call, code))
    if (expected === undefined) sync()
    else expect(sync).toThrow(expect.objectContaining({ code: expected }))
  })

  it('cannot be created below a file', () => {
    writeFileSync(join(folder, 'f'), '')
    expect(() => createFolder(join(folder, 'f/a'))).toThrow(
      expect.objectContaining({
        code: 'ARCHIVE_CREATE',
        message: expect.stringContaining('a part of the path is not a folder'),
      }),
    )
  })

  it('cannot be created where the system has no such entry, as in /proc', () => {
    const refusing = {
      ...fs,
      mkdirSync: ((path: string, options: fs.MakeDirectoryOptions) => {
        if (path.startsWith(join(folder, 'proc/'))) {
          throw Object.assign(new Error('ENOENT'), { code: 'ENOENT', syscall: 'mkdir' })
        }
        return fs.mkdirSync(path, options)
      }) as typeof fs.mkdirSync,
    }
    expect(() => createFolder(join(folder, 'proc/x/y'), refusing)).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_CREATE' }),
    )
  })
})

describe('NewFile', () => {
  it('writes all octets though write() takes a part', () => {
    const short = {
      ...fs,
      writeSync: ((descriptor: number, part: Uint8Array, offset: number, length: number) =>
        fs.writeSync(descriptor, part, offset, Math.min(3, length))) as typeof fs.writeSync,
    }
    const file = new NewFile(join(folder, 'f'), short)
    file.write(octets('0123456789'))
    file.seal()
    expect(readFileSync(join(folder, 'f'), 'latin1')).toBe('0123456789')
  })

  it.each([
    ['writeSync', 'ENOSPC', 'ARCHIVE_FULL'],
    ['fsyncSync', 'EDQUOT', 'ARCHIVE_FULL'],
    ['fsyncSync', 'EIO', 'ARCHIVE_IO'],
    ['closeSync', 'EDQUOT', 'ARCHIVE_FULL'],
  ] as const)('%s failing with %s is %s, and discard leaves nothing', (call, code, expected) => {
    const file = new NewFile(join(folder, 'f'), failing(call, code))
    expect(() => {
      file.write(octets('x'))
      file.seal()
    }).toThrow(expect.objectContaining({ code: expected }))
    file.discard()
    file.discard()
    expect(readdirSync(folder)).toEqual([])
  })

  it('takes its room first, and writes into it without a need for more', () => {
    let isFull = false
    const calls = {
      ...fs,
      writeSync: ((descriptor: number, part: Uint8Array, ...[offset, length, at]: number[]) => {
        const isOverwriting = (at ?? 0) + part.byteLength <= fs.fstatSync(descriptor).size
        if (isFull && !isOverwriting)
          throw Object.assign(new Error(), { code: 'ENOSPC', syscall: 'write' })
        return fs.writeSync(descriptor, part, offset, Math.min(40, length ?? 0), at)
      }) as typeof fs.writeSync,
    }
    const file = new NewFile(join(folder, 'f'), calls)
    file.reserve(100)
    expect(statSync(file.path).size).toBe(100)
    isFull = true
    file.write(octets('0123'))
    file.write(octets('456789'))
    file.seal()
    expect(readFileSync(join(folder, 'f'), 'latin1')).toBe('0123456789')
    const late = new NewFile(join(folder, 'g'), calls)
    expect(() => late.reserve(100)).toThrow(expect.objectContaining({ code: 'ARCHIVE_FULL' }))
    late.discard()
    expect(readdirSync(folder)).toEqual(['f'])
  })

  it('may outgrow its room', () => {
    const file = new NewFile(join(folder, 'f'))
    file.reserve(3)
    file.write(octets('0123456789'))
    file.seal()
    expect(readFileSync(join(folder, 'f'), 'latin1')).toBe('0123456789')
  })

  it('never follows or takes over what has its name', () => {
    fs.symlinkSync(join(folder, 'target'), join(folder, 'f'))
    expect(() => new NewFile(join(folder, 'f'))).toThrow()
    expect(readdirSync(folder)).toEqual(['f'])
  })
})

describe('publishFile', () => {
  const sealed = (name: string): string => {
    const file = new NewFile(join(folder, name))
    file.write(octets(name))
    file.seal()
    return file.path
  }

  it('links, and leaves the temporary name to its caller', () => {
    expect(publishFile(sealed('tmp'), join(folder, 'new'))).toBe('linked')
    syncFolder(folder)
    expect(readdirSync(folder)).toEqual(['new', 'tmp'])
  })

  it('never replaces a file', () => {
    writeFileSync(join(folder, 'new'), 'old')
    expect(publishFile(sealed('tmp'), join(folder, 'new'))).toBe('taken')
    expect(publishFile(sealed('tmp2'), join(folder, 'new'), failing('linkSync', 'EPERM'))).toBe(
      'taken',
    )
    expect(readFileSync(join(folder, 'new'), 'latin1')).toBe('old')
  })

  it.each(['EPERM', 'ENOSYS', 'EMLINK', 'ENOTSUP'])('renames where link() says %s', (code) => {
    const calls = failing('linkSync', code)
    expect(publishFile(sealed('tmp'), join(folder, 'new'), calls)).toBe('renamed')
    expect(readdirSync(folder)).toEqual(['new'])
  })

  it('does not hide other failures', () => {
    expect(() =>
      publishFile(sealed('tmp'), join(folder, 'new'), failing('linkSync', 'EXDEV')),
    ).toThrow(expect.objectContaining({ code: 'ARCHIVE_IO' }))
  })

  it('believes the inode, not the reply of a network filesystem', () => {
    const calls = {
      ...fs,
      linkSync: ((from: string, to: string) => {
        fs.linkSync(from, to)
        throw Object.assign(new Error('EEXIST'), { code: 'EEXIST', syscall: 'link' })
      }) as typeof fs.linkSync,
    }
    expect(publishFile(sealed('tmp'), join(folder, 'new'), calls)).toBe('linked')
  })
})

describe('replacing a file', () => {
  const write = (name: string, text: string) => {
    const file = new NewFile(join(folder, name))
    file.write(octets(text))
    file.seal()
    return file.path
  }

  it('puts the new one in the place of the old one, or of none, and syncs the folder', () => {
    const synced: number[] = []
    const calls = {
      ...fs,
      fsyncSync: (descriptor: number) => void synced.push(fs.fstatSync(descriptor).ino),
    }
    const path = join(folder, 'f')
    replaceFile(write('one', 'old'), path, calls)
    replaceFile(write('two', 'new'), path, calls)
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(folder)).toEqual(['f'])
    expect(synced).toEqual([statSync(folder).ino, statSync(folder).ino])
  })

  it('leaves the old one where it fails', () => {
    const path = write('f', 'old')
    const from = write('two', 'new')
    expect(() => replaceFile(from, path, failing('renameSync', 'EACCES'))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_DENIED' }),
    )
    expect(readFileSync(path, 'utf8')).toBe('old')
  })
})
