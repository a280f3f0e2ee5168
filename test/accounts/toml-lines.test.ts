import { describe, expect, it } from 'vitest'

import { keyLines, lineOfKey } from '../../src/accounts/toml-lines.ts'

const DOCUMENT = `# a comment with key = 1
top = 1

[a]           # [not.a.table]
x = "y # = z" # x = 2
b.c = 1
"quoted.key" = '''
fake = 1
[fake]
'''
'lit' = """a \\"""
fake = 2"""
list = [
  1, # one
  { in = 1 }, [ "x",
    "]" ],
]
inline = { p = 1, q.r = 2, s = { t = [
  3 ] } }

[ "a b" . c ]
when = 1979-05-27T07:32:00Z
[[many]]
k = 1
[[many]]
k = 2
`

describe('the line of a key', () => {
  it.each([
    [['top'], 2],
    [['a'], 4],
    [['a', 'x'], 5],
    [['a', 'b'], 6],
    [['a', 'b', 'c'], 6],
    [['a', 'quoted.key'], 7],
    [['a', 'lit'], 11],
    [['a', 'list'], 13],
    [['a', 'list', 0], 14],
    [['a', 'list', 1, 'in'], 15],
    [['a', 'list', 2, 1], 16],
    [['a', 'inline'], 18],
    [['a', 'inline', 'q', 'r'], 18],
    [['a', 'inline', 's', 't', 0], 19],
    [['a b', 'c'], 21],
    [['a b', 'c', 'when'], 22],
    [['many', 0], 23],
    [['many', 1, 'k'], 26],
    [['a', 'missing', 'deeper'], 4],
    [['missing'], undefined],
    [['fake'], undefined],
    [['a', 'fake'], 4],
  ] as const)('%j is %j', (path, line) => {
    expect(lineOfKey(keyLines(DOCUMENT), path)).toBe(line)
  })

  it('counts CR LF once', () => {
    expect(lineOfKey(keyLines('a = 1\r\n\r\nb = 2\r\n'), ['b'])).toBe(3)
  })

  it.each(['= 1', '[', 'a = ', 'a', '[[', 'a = [', 'a = {', '"', ']', 'a = """', '\\'])(
    'ends on %j, which is no TOML',
    (text) => {
      expect(keyLines(text).size).toBeLessThanOrEqual(2)
    },
  )
})
