import { describe, expect, it } from 'vitest'
import { asArchiveError } from '../../src/durable/errors.ts'

const failed = (code: string) => Object.assign(new Error(code), { code, syscall: 'open' })

describe('asArchiveError', () => {
  it.each([
    ['EACCES', 'read', 'ARCHIVE_DENIED', 'permission denied (EACCES)'],
    ['EROFS', 'write', 'ARCHIVE_DENIED', 'the filesystem is read-only (EROFS)'],
    ['EACCES', 'create', 'ARCHIVE_CREATE', 'permission denied (EACCES)'],
    ['EEXIST', 'create', 'ARCHIVE_CREATE', 'something else has that name (EEXIST)'],
    ['ENOTDIR', 'create', 'ARCHIVE_CREATE', 'a part of the path is not a folder (ENOTDIR)'],
    ['ENOTDIR', 'read', 'ARCHIVE_IO', 'a part of the path is not a folder (ENOTDIR)'],
    ['EIO', 'read', 'ARCHIVE_IO', 'reading failed (EIO)'],
    ['ENOSPC', 'write', 'ARCHIVE_FULL', 'no space left (ENOSPC)'],
  ] as const)('%s at %s is %s: %s', (code, doing, expected, words) => {
    expect(asArchiveError(failed(code), '/mail', doing)).toMatchObject({
      code: expected,
      message: `/mail: ${words}`,
    })
  })

  it.each(['EMFILE', 'ENFILE'])('says of %s what helps, which is no look at the disk', (code) => {
    expect(asArchiveError(failed(code), '/mail', 'write')).toMatchObject({
      code: 'ARCHIVE_IO',
      hint: expect.stringContaining('ulimit -n'),
    })
    expect(asArchiveError(failed('EIO'), '/mail', 'write')).toMatchObject({ hint: undefined })
  })

  it('takes tables that do not fit a statement for damage, and other complaints of SQLite not', () => {
    const complaint = (message: string) =>
      asArchiveError(Object.assign(new Error(message), { code: 'SQLITE_ERROR' }), '/mail', 'write')
    expect(complaint('no such column: sender')).toMatchObject({ code: 'ARCHIVE_DAMAGED' })
    expect(asArchiveError(failed('SQLITE_CONSTRAINT_FOREIGNKEY'), '/mail', 'write')).toMatchObject({
      code: 'ARCHIVE_DAMAGED',
    })
    expect(complaint('cannot start a transaction within a transaction')).toMatchObject({
      code: 'ARCHIVE_IO',
    })
  })

  // The one is what fsync() throws, the other what write() does.
  it.runIf(process.platform === 'linux').each(['Unknown system error -122', 'UNKNOWN'])(
    'names a number for which Node says %s',
    (code) => {
      const error = Object.assign(failed(code), { errno: -122 })
      expect(asArchiveError(error, '/mail', 'write')).toMatchObject({
        code: 'ARCHIVE_FULL',
        message: '/mail: no space left (EDQUOT)',
      })
    },
  )

  it('leaves a fault of the program as it is', () => {
    const fault = new TypeError('x')
    expect(asArchiveError(fault, '/mail', 'read')).toBe(fault)
  })
})
