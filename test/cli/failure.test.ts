import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../src/accounts/errors.ts'
import { describeFailure, InterruptedError } from '../../src/cli/failure.ts'

function coded(message: string, fields: object): Error {
  return Object.assign(new Error(message), fields)
}

describe('describeFailure', () => {
  it.each([
    [
      'what happened, what the server said, what to do',
      coded('the server refused the login', { code: 'LOGIN_REFUSED', serverText: 'no\x07' }),
      77,
      'the server refused the login. The server said: "no\\x07". Check user (the whole address, or what stands before the @) and password; many providers want an app password.',
    ],
    [
      'a message of several lines in one',
      coded('line 3: bad value\n  x = 1\n', { code: 'CONFIG_SYNTAX' }),
      78,
      'line 3: bad value x = 1.',
    ],
    [
      'faults of a config in a line each, and the piece of the file',
      new ConfigError('CONFIG_KEY', 'f:1: a\nf:2: did you mean "b"?\n\n1: x\n  ^', { file: 'f' }),
      78,
      'f:1: a.\nf:2: did you mean "b"?\n\n1: x\n  ^',
    ],
    [
      'an error of the system',
      coded("EACCES: permission denied, open 'x'", { code: 'EACCES', syscall: 'open' }),
      74,
      "EACCES: permission denied, open 'x'.",
    ],
    [
      'too many open files, wherever it was hit',
      coded("EMFILE: too many open files, open 'x.js'", { code: 'EMFILE', syscall: 'open' }),
      74,
      'too many files are open (EMFILE). Let it open more files (ulimit -n), or close other programs.',
    ],
    [
      'a defect',
      new TypeError('x is undefined'),
      70,
      'x is undefined. Please report it, with what you did.',
    ],
    ['what is no error', 'a string', 70, 'a string. Please report it, with what you did.'],
  ])('tells %s', (_name, error, exit, sentence) => {
    expect(describeFailure(error)).toMatchObject({ exit, sentence })
  })

  it('tells which signal ended the run', () => {
    expect(describeFailure(new InterruptedError(143)).exit).toBe(143)
  })
})
