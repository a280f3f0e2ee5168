import { createHash, randomBytes } from 'node:crypto'
import fs, {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { StoredMessage } from '../../src/archive/content.ts'
import {
  createMaildir,
  type MaildirContent,
  type MaildirDependencies,
  openMaildirContent,
} from '../../src/archive/maildir-content.ts'
import type { NameSources } from '../../src/archive/maildir-name.ts'
import type { FileCalls } from '../../src/durable/files.ts'
import { type FsyncCall, Syncs } from '../../src/durable/syncs.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'

const names: NameSources = { now: Date.now, pid: 7, host: 'host', random: (n) => randomBytes(n) }
const octets = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'))

let folder: TemporaryFolder
let root: string
beforeEach(() => {
  folder = temporaryFolder('maildir')
  root = join(folder.path, 'deep', 'mail')
  createMaildir(root)
})
afterEach(() => folder.remove())

const open = (changes: Partial<MaildirDependencies> = {}) =>
  openMaildirContent(root, { names, ...changes })

function store(content: MaildirContent, chunks: readonly Uint8Array[]): StoredMessage {
  const message = Buffer.concat(chunks)
  const digest = createHash('sha256').update(message).digest()
  const draft = content.draft()
  for (const chunk of chunks) draft.write(chunk)
  draft.seal(digest)
  content.publish([draft])
  return { id: 1, digest, octets: message.length }
}

const readBack = (content: MaildirContent, message: StoredMessage) =>
  Buffer.concat([...content.read(message)].map((chunk) => Buffer.from(chunk)))

const list = (name: string) => readdirSync(join(root, name))
const fileOf = (name = 'new') => join(root, name, list(name)[0] ?? '')

describe('files', () => {
  it('have LF line ends, the digest in their name and mode 0600; tmp/ is empty afterwards', () => {
    const message = store(open(), [octets('Subject: x\r'), octets('\n\r\nbody\r\n')])
    expect(readFileSync(fileOf(), 'latin1')).toBe('Subject: x\n\nbody\n')
    expect(fileOf()).toContain(`,D=${Buffer.from(message.digest).toString('hex')}`)
    expect(fs.statSync(fileOf()).mode & 0o777).toBe(0o600)
    expect(fs.statSync(root).mode & 0o777).toBe(0o700)
    expect(list('tmp')).toEqual([])
  })

  it('keep the wire form where a bare LF is in the message', () => {
    store(open(), [octets('a\r\nb\r'), octets('\nc\nd')])
    expect(readFileSync(fileOf(), 'latin1')).toBe('a\r\nb\r\nc\nd')
  })

  it('fall back to the wire form late in a large message', () => {
    const lines = octets('0123456789\r\n'.repeat(50_000))
    const content = open()
    const chunks = [lines, lines, lines, octets('x\r'), octets('y\n'), lines]
    const message = store(content, chunks)
    expect(readFileSync(fileOf()).equals(Buffer.concat(chunks))).toBe(true)
    expect(readBack(content, message).equals(Buffer.concat(chunks))).toBe(true)
    expect(list('tmp')).toEqual([])
  })

  it('give back any octets, in any chunks', () => {
    const content = open()
    const part = fc.constantFrom('\r', '\n', '\r\n', 'a', '\0', '\xff')
    fc.assert(
      fc.property(fc.array(fc.array(part, { maxLength: 5 }), { maxLength: 6 }), (parts) => {
        const chunks = parts.map((chunk) => octets(chunk.join('')))
        const message = store(content, chunks)
        expect(readBack(open(), message).equals(Buffer.concat(chunks))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('are read in chunks of at most 1 MiB', () => {
    const content = open()
    const message = store(content, [octets('\r\n'.repeat(1_500_000))])
    let total = 0
    for (const chunk of content.read(message)) {
      expect(chunk.length).toBeLessThanOrEqual(1024 * 1024)
      total += chunk.length
    }
    expect(total).toBe(3_000_000)
  })
})

describe('publishing', () => {
  it('takes another name where one is taken', () => {
    // The digest stays, so only a repeated unique name can clash.
    const still = { ...names, now: () => 0, random: (n: number) => new Uint8Array(n) }
    const first = store(open({ names: still }), [octets('same')])
    const content = open({ names: still })
    const again = store(content, [octets('same')])
    expect(list('new')).toHaveLength(2)
    expect(content.has(first)).toBe(true)
    expect(again.digest).toEqual(first.digest)
  })

  it('renames where links are not permitted', () => {
    const linkSync = () => {
      throw Object.assign(new Error('no'), { code: 'EPERM', syscall: 'link' })
    }
    const content = open({ calls: { ...fs, linkSync } })
    const message = store(content, [octets('a\r\n')])
    expect(readBack(content, message).toString()).toBe('a\r\n')
    expect(list('tmp')).toEqual([])
  })

  it('shows nothing if a group fails to sync its file', () => {
    const fsyncSync = () => {
      throw Object.assign(new Error('no'), { code: 'EIO', syscall: 'fsync' })
    }
    const content = open({ calls: { ...fs, fsyncSync } })
    const draft = content.draft()
    draft.write(octets('a'))
    expect(() => draft.seal(new Uint8Array(32))).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_IO' }),
    )
    draft.discard()
    draft.discard()
    expect([...list('new'), ...list('tmp')]).toEqual([])
  })

  it('syncs new/ once for a group, after all links and before tmp/ is cleared', () => {
    const seen: string[] = []
    const calls: FileCalls = {
      ...fs,
      openSync: ((path: string, ...rest: [number]) => {
        if (path === join(root, 'new')) seen.push('sync')
        return fs.openSync(path, ...rest)
      }) as FileCalls['openSync'],
      linkSync: (from, to) => {
        seen.push('link')
        fs.linkSync(from, to)
      },
      unlinkSync: (path) => {
        seen.push('unlink')
        fs.unlinkSync(path)
      },
    }
    const content = open({ calls })
    const drafts = ['a', 'b', 'c'].map((body) => {
      const draft = content.draft()
      draft.write(octets(body))
      draft.seal(createHash('sha256').update(body).digest())
      return draft
    })
    content.publish(drafts)
    expect(seen.join(' ')).toBe('link link link sync unlink unlink unlink')
  })
})

describe('a draft that is sealed while its writer goes on', () => {
  const sealed = (content: MaildirContent, body: string) => {
    const draft = content.draft()
    draft.write(octets(body))
    draft.seal(createHash('sha256').update(body).digest())
    return draft
  }
  /** Files of this process in the Maildir that are open. */
  const openFiles = () =>
    readdirSync('/proc/self/fd').filter((descriptor) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(root)
      } catch {
        return false
      }
    })
  const failing = (code: string) => {
    const fsync = (descriptor: number, done: (error: Error | null) => void) =>
      fs.fsync(descriptor, () => done(Object.assign(new Error('no'), { code, syscall: 'fsync' })))
    return new Syncs({ fsync: fsync as FsyncCall['fsync'] })
  }

  it('is not published before it is ready, and neither is its group', async () => {
    const content = open({ syncs: new Syncs() })
    const first = sealed(content, 'a')
    await content.syncs?.settled()
    const second = sealed(content, 'b')
    expect([first.isReady, second.isReady]).toEqual([true, false])
    expect(() => content.publish([first, second])).toThrow('is not sealed')
    expect(list('new')).toEqual([])
    await content.syncs?.settled()
    content.publish([first, second])
    expect([list('new').length, list('tmp').length]).toEqual([2, 0])
    if (process.platform === 'linux') expect(openFiles()).toEqual([])
  })

  it.each([
    ['EIO', 'ARCHIVE_IO'],
    ['EDQUOT', 'ARCHIVE_FULL'],
  ])('is published by nobody if its fsync fails with %s', async (code, expected) => {
    const content = open({ syncs: failing(code) })
    const draft = sealed(content, 'a')
    await content.syncs?.settled()
    expect(draft.isReady).toBe(true)
    expect(() => content.publish([draft])).toThrow(expect.objectContaining({ code: expected }))
    draft.discard()
    expect([...list('new'), ...list('tmp')]).toEqual([])
    if (process.platform === 'linux') expect(openFiles()).toEqual([])
  })

  it('is published by nobody if its file has another size, or cannot be closed', async () => {
    const shorter = { ...fs, fstatSync: () => ({ size: 0 }) } as unknown as FileCalls
    const closeSync = (descriptor: number) => {
      fs.closeSync(descriptor)
      throw Object.assign(new Error('no'), { code: 'EDQUOT', syscall: 'close' })
    }
    for (const calls of [shorter, { ...fs, closeSync }]) {
      const content = open({ syncs: new Syncs(), calls })
      const draft = sealed(content, 'a')
      await content.syncs?.settled()
      expect(() => content.publish([draft])).toThrow(
        expect.objectContaining({ name: 'ArchiveError' }),
      )
    }
    expect(list('new')).toEqual([])
  })

  it('leaves nothing if it is discarded meanwhile', async () => {
    const content = open({ syncs: new Syncs() })
    const draft = sealed(content, 'a')
    draft.discard()
    expect(list('tmp')).toEqual([])
    await content.syncs?.settled()
    draft.discard()
    expect(() => content.publish([draft])).toThrow('not sealed')
    if (process.platform === 'linux') expect(openFiles()).toEqual([])
  })
})

describe('the owner and others', () => {
  it('may move a file to cur/ and change its flags at any time', () => {
    const content = open()
    const message = store(content, [octets('a\r\n')])
    expect(content.has(message)).toBe(true)
    const name = list('new')[0] ?? ''
    renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,S`))
    expect(readBack(content, message).toString()).toBe('a\r\n')
    renameSync(fileOf('cur'), join(root, 'cur', `${name}:2,FS`))
    expect(content.has(message)).toBe(true)
    fs.unlinkSync(fileOf('cur'))
    expect(content.has(message)).toBe(false)
    expect(() => [...content.read(message)]).toThrow(
      expect.objectContaining({ code: 'ARCHIVE_CONTENT_MISSING' }),
    )
  })

  it('leave links, pipes, folders and names without digest that are not read', () => {
    const digest = createHash('sha256').update('x').digest()
    const field = `,D=${digest.toString('hex')}`
    const target = join(folder.path, 'target')
    writeFileSync(target, 'x')
    symlinkSync(target, join(root, 'new', `1.a${field}`))
    mkdirSync(join(root, 'cur', `2.b${field}:2,`))
    writeFileSync(join(root, 'cur', '3.c:2,S'), 'x')
    const content = open()
    expect(content.files.index.messages).toBe(0)
    expect(content.has({ id: 1, digest, octets: 1 })).toBe(false)
  })

  it('keep their files in tmp/ when ours are swept', () => {
    const content = open()
    const draft = content.draft()
    draft.write(new Uint8Array(2_000_000))
    writeFileSync(join(root, 'tmp', '1.M2P3.other'), 'x')
    symlinkSync('/etc/passwd', join(root, 'tmp', '1.M2P3Q4R0123456789abcdef.host'))
    expect(list('tmp')).toHaveLength(3)
    open().sweep()
    expect(list('tmp').sort()).toEqual(['1.M2P3.other', '1.M2P3Q4R0123456789abcdef.host'])
    draft.discard()
  })
})

it('the index finds each of many messages, as they were added', () => {
  const content = open()
  const digests = Array.from({ length: 5000 }, (_, n) =>
    createHash('sha256').update(`${n}`).digest(),
  )
  for (const [n, digest] of digests.entries()) content.files.index.add(digest, 'cur', `name-${n}`)
  expect(content.files.index.messages).toBe(5000)
  for (const [n, digest] of digests.entries()) {
    expect(content.files.index.find(digest)).toBe(join('cur', `name-${n}`))
  }
  expect([...content.files.index.digests()]).toHaveLength(5000)
  expect(content.files.index.has(createHash('sha256').update('none').digest())).toBe(false)
})
