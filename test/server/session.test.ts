import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COMMAND_LINE_OCTETS } from '../../src/server/limits.ts'
import { afterLogin, beforeLogin, converse, mrose, threeMessages } from './converse.ts'

const ALL_COMMANDS =
  'capa\r\nuser mrose\r\npass tanstaaf\r\nstat\r\nlist\r\nlist 2\r\nuidl\r\nuidl 3\r\nretr 2\r\n' +
  'top 1 1\r\ndele 1\r\nlist\r\nlast\r\nnoop\r\nrset\r\nxyzzy\r\ndele 3\r\nquit\r\n'

describe('commands of the transaction state', () => {
  it('STAT, LIST and UIDL leave deleted messages out', async () => {
    expect(
      await afterLogin(['STAT', 'DELE 2', 'STAT', 'LIST', 'UIDL', 'LIST 3', 'UIDL 3', 'LIST 2']),
    ).toEqual([
      '+OK 3 103',
      '+OK Message 2 has been deleted.',
      '+OK 2 71',
      ...['+OK 2 messages (71 octets)', '1 53', '3 18', '.'],
      ...['+OK uidl command accepted.', '1 uid-1', '3 uid-3', '.'],
      '+OK 3 18',
      '+OK 3 uid-3',
      '-ERR Message 2 has been deleted.',
    ])
  })

  it('counts in singular where there is one', async () => {
    expect((await afterLogin(['DELE 1', 'DELE 2', 'RSET', 'DELE 1', 'DELE 2', 'LIST']))[5]).toBe(
      '+OK 1 message (18 octets)',
    )
  })

  it('RETR sends the message byte-stuffed', async () => {
    expect(await afterLogin(['RETR 2'])).toEqual([
      '+OK 32 octets',
      ...['Subject: two', '', '..', '...', '..hidden', '.'],
    ])
  })

  it('TOP sends the header section, the blank line and n lines', async () => {
    const top = async (n: number) => (await afterLogin([`TOP 1 ${n}`])).slice(1)
    expect(await top(0)).toEqual(['Subject: one', '', '.'])
    expect(await top(2)).toEqual(['Subject: one', '', 'first line', 'second line', '.'])
    expect(await top(99)).toEqual([
      ...['Subject: one', '', 'first line', 'second line', 'third line', '.'],
    ])
    expect((await afterLogin(['TOP 2 1'])).slice(1)).toEqual(['Subject: two', '', '..', '.'])
  })

  it('DELE twice and RETR of a deleted message are refused; RSET brings it back', async () => {
    expect(
      await afterLogin(['DELE 3', 'DELE 3', 'RETR 3', 'TOP 3 0', 'UIDL 3', 'RSET', 'LIST 3']),
    ).toEqual([
      '+OK Message 3 has been deleted.',
      '-ERR Message 3 has already been deleted.',
      '-ERR Message 3 has been deleted.',
      '-ERR Message 3 has been deleted.',
      '-ERR Message 3 has been deleted.',
      '+OK Maildrop has 3 messages (103 octets)',
      '+OK 3 18',
    ])
  })

  it('LAST is the highest message retrieved; TOP does not count, RSET takes it back', async () => {
    expect(
      await afterLogin(['LAST', 'RETR 3', 'LAST', 'RSET', 'LAST', 'TOP 2 0', 'LAST']).then(
        (lines) => lines.filter((line) => line.includes('last read')),
      ),
    ).toEqual(['0', '3', '0', '0'].map((n) => `+OK ${n} is the last read message.`))
  })

  it.each(['LIST', 'UIDL', 'RETR', 'DELE', 'TOP'])(
    '%s refuses numbers that name no message',
    async (command) => {
      const lines = command === 'TOP' ? ' 0' : ''
      expect(
        await afterLogin(
          ['0', '4', '999999999', '9999999999', '-1', '1x', 'one'].map(
            (n) => `${command} ${n}${lines}`,
          ),
        ),
      ).toEqual([
        '-ERR Message 0 does not exist.',
        '-ERR Message 4 does not exist.',
        '-ERR Message 999999999 does not exist.',
        '-ERR "9999999999" is not a number.',
        '-ERR "-1" is not a number.',
        '-ERR "1x" is not a number.',
        '-ERR "one" is not a number.',
      ])
    },
  )

  it('counts arguments', async () => {
    expect(
      await afterLogin([
        'STAT 1',
        'NOOP x',
        'LAST x',
        'LIST 1 2',
        'UIDL 1 2',
        'RETR',
        'DELE',
        'TOP 1',
        'TOP 1 x',
        'QUIT now',
        'CAPA x',
      ]),
    ).toEqual([
      '-ERR Too many arguments for the stat command.',
      '-ERR Too many arguments for the noop command.',
      '-ERR Too many arguments for the last command.',
      '-ERR Too many arguments for the list command.',
      '-ERR Too many arguments for the uidl command.',
      '-ERR Too few arguments for the retr command.',
      '-ERR Too few arguments for the dele command.',
      '-ERR Too few arguments for the top command.',
      '-ERR "x" is not a number.',
      '-ERR Too many arguments for the quit command.',
      '-ERR Too many arguments for the capa command.',
    ])
  })
})

describe('states', () => {
  it('has no transaction commands before login and no login behind it', async () => {
    expect(await beforeLogin(['STAT', 'RETR 1', 'NOOP'])).toEqual(
      ['stat', 'retr', 'noop'].map((command) => `-ERR Unknown command: "${command}".`),
    )
    expect(await afterLogin(['USER mrose', 'APOP a b', 'AUTH PLAIN'])).toEqual(
      ['user', 'apop', 'auth'].map((command) => `-ERR Unknown command: "${command}".`),
    )
  })

  it('announces the same capabilities in both states', async () => {
    const capabilities = [
      ...['+OK Capability list follows', 'TOP', 'USER', 'UIDL', 'SASL PLAIN', 'PIPELINING'],
      ...['RESP-CODES', 'AUTH-RESP-CODE', 'EXPIRE NEVER', 'IMPLEMENTATION popkeep', '.'],
    ]
    expect(await beforeLogin(['CAPA'])).toEqual(capabilities)
    expect(await afterLogin(['CAPA'])).toEqual(capabilities)
  })

  it('QUIT before login closes without the update state', async () => {
    const { replies, closed } = await converse(['QUIT\r\nUSER mrose\r\n'])
    expect(replies).toBe('+OK Pop server at pop.example.org signing off.\r\n')
    expect(closed).toBe(true)
  })

  it('deletes in the update state only', async () => {
    const account = mrose()
    await afterLogin(['DELE 1', 'RETR 2'], account)
    expect(await afterLogin(['LAST', 'UIDL'], account)).toEqual([
      '+OK 0 is the last read message.',
      ...['+OK uidl command accepted.', '1 uid-1', '2 uid-2', '3 uid-3', '.'],
    ])
    await afterLogin(['DELE 1', 'RETR 2', 'QUIT'], account)
    expect(await afterLogin(['LAST', 'UIDL'], account)).toEqual([
      '+OK 1 is the last read message.',
      ...['+OK uidl command accepted.', '1 uid-2', '2 uid-3', '.'],
    ])
  })

  it('says so if the update failed', async () => {
    const source = threeMessages()
    const account = mrose(source)
    const { ServerSession } = await import('../../src/server/session.ts')
    const { personality } = await import('./converse.ts')
    const session = new ServerSession({ personality, timestamp: '<1@x>' })
    session.receive(Buffer.from(`USER mrose\r\nPASS ${account.secret}\r\nDELE 1\r\nQUIT\r\n`))
    const said: string[] = []
    for (let action = session.next(); action; action = session.next()) {
      if (action.type === 'write') said.push(Buffer.from(action.octets).toString())
      if (action.type === 'login') session.opened((await source.open()).messages)
      if (action.type === 'update') session.updated(false)
    }
    expect(said.at(-1)).toBe('-ERR [SYS/TEMP] Some deleted messages were not removed.\r\n')
    expect(session.state).toBe('closed')
  })
})

describe('input', () => {
  it('is understood however it is cut', async () => {
    const whole = (await converse([ALL_COMMANDS])).replies
    expect(whole).toMatch(/^\+OK Capability.*signing off\.\r\n$/s)
    expect((await converse(ALL_COMMANDS)).replies).toBe(whole)
    for (let at = 1; at < ALL_COMMANDS.length; at += 1) {
      const pieces = [ALL_COMMANDS.slice(0, at), ALL_COMMANDS.slice(at)]
      expect((await converse(pieces)).replies).toBe(whole)
    }
  })

  it('may end its lines in LF alone', async () => {
    const whole = (await converse([ALL_COMMANDS])).replies
    expect((await converse([ALL_COMMANDS.replaceAll('\r', '')])).replies).toBe(whole)
  })

  it('past the line limit closes, whether the line ends or not', async () => {
    const longest = `USER ${'u'.repeat(COMMAND_LINE_OCTETS - 7)}\r\n`
    expect((await converse([longest])).replies).toBe(
      `+OK Password required for ${'u'.repeat(64)}....\r\n`,
    )
    for (const tooLong of [`USER u${longest.slice(5)}`, 'x'.repeat(COMMAND_LINE_OCTETS + 1)]) {
      const { replies, closed } = await converse([tooLong, 'NOOP\r\n'])
      expect(replies).toBe('-ERR Command line is too long.\r\n')
      expect(closed).toBe(true)
    }
  })

  it('with control octets is refused and not repeated', async () => {
    expect(await beforeLogin(['USER a\0b', 'USER a\x1b[31m', 'a\rb', ''])).toEqual([
      '-ERR Command line holds octets that are not printable.',
      '-ERR Command line holds octets that are not printable.',
      '-ERR Command line holds octets that are not printable.',
      '-ERR Unknown command: "".',
    ])
    expect(await beforeLogin(['USER \xe9\xff'])).toEqual(['+OK Password required for ??.'])
  })

  it('of a hundred bad commands ends the session; a good one between starts the count anew', async () => {
    const { replies, closed } = await converse(['xyzzy\r\n'.repeat(100)])
    expect(replies.split('\r\n')).toHaveLength(22)
    expect(replies).toMatch(/-ERR Too many errors\.\r\n$/)
    expect(closed).toBe(true)
    expect((await converse([`${'xyzzy\r\n'.repeat(19)}CAPA\r\n`.repeat(5)])).closed).toBe(false)
  })

  it('of any kind is answered with whole lines and never throws', async () => {
    const command = fc.constantFrom(...ALL_COMMANDS.split('\r\n'), 'auth plain', '*', 'apop a b')
    const noise = fc
      .uint8Array({ maxLength: 40 })
      .map((octets) => Buffer.from(octets).toString('latin1'))
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(command, noise), { maxLength: 30 }), async (lines) => {
        const { replies } = await converse(lines.map((line) => `${line}\r\n`))
        expect(replies === '' || replies.endsWith('\r\n')).toBe(true)
      }),
      { numRuns: 200 },
    )
  })
})
