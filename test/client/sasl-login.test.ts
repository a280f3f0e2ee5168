import { describe, expect, it } from 'vitest'
import { SASL_ROUNDS } from '../../src/pop3/limits.ts'
import {
  chunk,
  closed,
  expectLine,
  fin,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { announcing, lastCapa, linesAt, mechanismAt, openAt, password } from './conversation.ts'
import { scramLogin } from './scram-steps.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const plain = base64('\0me\0secret')

/** USER and PASS, accepted. */
const byUser: readonly Step[] = [
  ...[expectLine('USER me'), send('+OK\r\n'), expectLine('PASS secret'), send('+OK\r\n')],
  ...lastCapa,
]

/** AUTH PLAIN in two steps, accepted. */
const plainSteps: readonly Step[] = [
  ...[expectLine('AUTH PLAIN'), send('+ \r\n'), expectLine(plain), send('+OK\r\n')],
  ...lastCapa,
]

describe('a login by SASL', () => {
  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-1'] as const)('is made by %s', async (name) => {
    const hash = name === 'SCRAM-SHA-1' ? 'SHA-1' : 'SHA-256'
    await using server = await scriptedServer(
      announcing([`SASL PLAIN ${name}`], scramLogin(name, { hash }), ...lastCapa),
    )
    expect(await mechanismAt(server)).toBe(name)
    // Server-final was answered with an empty line (RFC 5034 section 4).
    expect(server.connections[0]?.receivedText).toMatch(/\r\n\S+\r\n\r\nCAPA\r\n$/)
    expect(linesAt(server).join()).not.toContain(plain)
  })

  it('is made by SCRAM whatever segments the challenges come in', async () => {
    for (const octets of [1, 2, 7]) {
      await using server = await scriptedServer([
        chunk(octets),
        ...announcing(['SASL SCRAM-SHA-256'], scramLogin('SCRAM-SHA-256', { hash: 'SHA-256' })),
        ...lastCapa,
      ])
      expect(await mechanismAt(server)).toBe('SCRAM-SHA-256')
    }
  })

  it('answers CRAM-MD5 as RFC 2195 section 2 does', async () => {
    const challenge = '<1896.697170952@postoffice.reston.mci.net>'
    await using server = await scriptedServer(
      announcing(
        ['SASL CRAM-MD5 PLAIN', 'USER'],
        expectLine('AUTH CRAM-MD5'),
        send(`+ ${base64(challenge)}\r\n`),
        expectLine('dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw'),
        send('+OK CRAM authentication successful\r\n'),
        ...lastCapa,
      ),
    )
    const credential = password('tanstaaftanstaaf')
    expect(await mechanismAt(server, { user: 'tim', credential })).toBe('CRAM-MD5')
  })

  it('answers the two challenges of LOGIN, whatever they say', async () => {
    for (const prompts of [
      ['VXNlcm5hbWU6', 'UGFzc3dvcmQ6'],
      ['who?', ''],
    ]) {
      await using server = await scriptedServer(
        announcing(
          ['SASL LOGIN'],
          ...[expectLine('AUTH LOGIN'), send(`+ ${prompts[0]}\r\n`), expectLine(base64('me'))],
          ...[send(`+ ${prompts[1]}\r\n`), expectLine(base64('secret')), send('+OK\r\n')],
          ...lastCapa,
        ),
      )
      expect(await mechanismAt(server)).toBe('LOGIN')
    }
  })

  it('takes a + without blank for an empty challenge', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        ...[expectLine(/^AUTH PLAIN /), send('-ERR syntax\r\n')],
        ...[expectLine('AUTH PLAIN'), send('+\r\n'), expectLine(plain), send('+OK\r\n')],
        ...lastCapa,
      ),
    )
    expect(await mechanismAt(server)).toBe('PLAIN')
  })

  it('takes a +OK before anything was said for an empty challenge, as Exchange 2003 means it', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL LOGIN'],
        ...[expectLine('AUTH LOGIN'), send('+OK\r\n'), expectLine(base64('me'))],
        ...[send('+ UGFzc3dvcmQ6\r\n'), expectLine(base64('secret')), send('+OK\r\n')],
        ...lastCapa,
      ),
    )
    expect(await mechanismAt(server)).toBe('LOGIN')
  })

  it('never takes a +OK in the middle for the end', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL LOGIN'],
        ...[expectLine('AUTH LOGIN'), send('+ VXNlcm5hbWU6\r\n'), expectLine(base64('me'))],
        ...[send('+OK welcome\r\n'), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'POP3_OUT_OF_STEP',
      serverText: '+OK welcome',
    })
    await server.played()
    expect(linesAt(server)).toEqual(['CAPA', 'AUTH LOGIN', base64('me')])
  })

  it('uses the mechanism that its owner named, though CAPA hides it', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'SASL SCRAM-SHA-256'],
        ...[expectLine(`AUTH PLAIN ${plain}`), send('+OK\r\n'), ...lastCapa],
      ),
    )
    expect(await mechanismAt(server, { auth: 'PLAIN' })).toBe('PLAIN')
  })

  it('uses no other than its owner named, though that is refused', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'SASL PLAIN'],
        ...[expectLine(/^AUTH SCRAM-SHA-256 /), send('-ERR Unsupported mechanism\r\n'), closed()],
      ),
    )
    await expect(openAt(server, { auth: 'SCRAM-SHA-256' })).rejects.toMatchObject({
      code: 'LOGIN_NO_MECHANISM',
      mechanism: 'SCRAM-SHA-256',
      serverText: '-ERR Unsupported mechanism',
    })
    await server.played()
    expect(linesAt(server)).toHaveLength(2)
  })
})

describe('the next mechanism', () => {
  const scramFirst = announcing(['SASL SCRAM-SHA-256 PLAIN'], expectLine(/^AUTH SCRAM-SHA-256 /))

  it.each([
    '-ERR [AUTH] Authentication failed.\r\n',
    '-ERR Unsupported authentication mechanism.\r\n',
  ])('follows where SCRAM is refused at its first step: %j', async (reply) => {
    await using server = await scriptedServer([...scramFirst, send(reply), ...plainSteps])
    expect(await mechanismAt(server)).toBe('PLAIN')
    expect(server.connections).toHaveLength(1)
  })

  it('follows on a new connection where the server closes behind its refusal', async () => {
    await using server = await scriptedServer(
      [...scramFirst, send('-ERR no such mechanism\r\n'), fin()],
      announcing(
        ['SASL SCRAM-SHA-256 PLAIN'],
        ...[expectLine(`AUTH PLAIN ${plain}`), send('+OK\r\n'), ...lastCapa],
      ),
    )
    expect(await mechanismAt(server)).toBe('PLAIN')
    expect(server.connections).toHaveLength(2)
  })

  it('costs one new connection at most', async () => {
    const closing = [send('-ERR no such mechanism\r\n'), fin()]
    const sasl = ['SASL SCRAM-SHA-256 SCRAM-SHA-1 LOGIN']
    await using server = await scriptedServer(
      announcing(sasl, expectLine(/^AUTH SCRAM-SHA-256 /), ...closing),
      announcing(sasl, expectLine(/^AUTH SCRAM-SHA-1 /), ...closing),
    )
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'LOGIN_NO_MECHANISM',
      mechanism: 'SCRAM-SHA-1',
    })
    expect(server.connections).toHaveLength(2)
  })

  it.each(['go ahead', base64('r=somebody-else,s=QSXCR+Q6sek8bf92,i=4096'), base64('i=1')])(
    'follows where the challenge of SCRAM is cancelled: %s',
    async (challenge) => {
      await using server = await scriptedServer([
        ...scramFirst,
        ...[send(`+ ${challenge}\r\n`), expectLine('*'), send('-ERR\r\n'), ...plainSteps],
      ])
      expect(await mechanismAt(server)).toBe('PLAIN')
    },
  )

  it('follows where CRAM-MD5 is begun with words', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL CRAM-MD5 PLAIN'],
        ...[expectLine('AUTH CRAM-MD5'), send('+ go ahead\r\n'), expectLine('*'), send('-ERR\r\n')],
        ...plainSteps,
      ),
    )
    expect(await mechanismAt(server)).toBe('PLAIN')
  })

  it('follows where USER is refused, and no password was sent', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'SASL LOGIN'],
        ...[expectLine('USER me'), send('-ERR command disabled\r\n'), expectLine('AUTH LOGIN')],
        ...[send('+ \r\n'), expectLine(base64('me')), send('+ \r\n'), expectLine(base64('secret'))],
        ...[send('+OK\r\n'), ...lastCapa],
      ),
    )
    expect(await mechanismAt(server)).toBe('LOGIN')
  })

  it.each([
    ['[IN-USE] busy', 'LOGIN_IN_USE'],
    ['[SYS/TEMP] no', 'LOGIN_TEMPORARY'],
    ['Too many logins', 'LOGIN_DELAY'],
    ['Account suspended', 'LOGIN_PERMANENT'],
  ])(
    'does not follow where the maildrop or the account is the trouble: %s',
    async (words, code) => {
      await using server = await scriptedServer([
        ...scramFirst,
        send(`-ERR ${words}\r\n`),
        closed(),
      ])
      await expect(openAt(server)).rejects.toMatchObject({ code })
      await server.played()
      expect(linesAt(server)).toHaveLength(2)
    },
  )

  it.each<[string, readonly string[], readonly Step[]]>([
    ['PASS', ['USER', 'SASL LOGIN'], [expectLine('USER me'), send('+OK\r\n'), expectLine(/^PASS/)]],
    ['PLAIN', ['USER', 'SASL PLAIN LOGIN'], [expectLine(/^AUTH PLAIN /)]],
    [
      'CRAM-MD5',
      ['USER', 'SASL CRAM-MD5 PLAIN'],
      [expectLine('AUTH CRAM-MD5'), send(`+ ${base64('<1@a>')}\r\n`), expectLine(/^\S+$/)],
    ],
  ])('does not follow where %s was refused', async (_name, capabilities, steps) => {
    await using server = await scriptedServer(
      announcing(capabilities, ...steps, send('-ERR Authentication failed.\r\n'), closed()),
    )
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await server.played()
    expect(server.connections).toHaveLength(1)
  })

  it('does not follow where the connection ends once the password was sent', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'SASL SCRAM-SHA-256'],
        ...[expectLine(/^AUTH SCRAM-SHA-256 /), send('-ERR Unsupported mechanism\r\n')],
        ...[expectLine('USER me'), send('+OK\r\n'), expectLine('PASS secret'), fin(), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({ code: 'NET_CLOSED' })
    await server.played()
    expect(server.connections).toHaveLength(1)
  })

  it('does not follow where the second form of PLAIN is refused too', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER', 'SASL PLAIN LOGIN'],
        ...[expectLine(/^AUTH PLAIN /), send('-ERR syntax\r\n'), expectLine('AUTH PLAIN')],
        ...[send('-ERR syntax\r\n'), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await server.played()
    expect(linesAt(server)).toHaveLength(3)
  })

  it('is PLAIN in two steps, on a new connection, where the server closes at the line', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN'],
        ...[expectLine(/^AUTH PLAIN /), send('-ERR Protocol error. Connection is closed. 10\r\n')],
        fin(),
      ),
      announcing(['SASL PLAIN'], ...plainSteps),
    )
    expect(await mechanismAt(server)).toBe('PLAIN')
  })

  it('is not looked for more than five times', async () => {
    const sasl = ['USER', 'SASL SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN']
    await using server = await scriptedServer(async (connection) => {
      for (const step of announcing(sasl)) await step(connection)
      for (;;) {
        if ((await connection.nextLine()) === undefined) return
        await connection.send('-ERR Unsupported mechanism\r\n')
      }
    })
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    expect(
      linesAt(server)
        .slice(1)
        .map((line) => line.split(' ').slice(0, 2).join(' ')),
    ).toEqual([
      ...['AUTH SCRAM-SHA-256', 'AUTH SCRAM-SHA-1', 'AUTH CRAM-MD5', 'AUTH PLAIN', 'USER me'],
    ])
  })
})

describe('a mechanism that the server does not know', () => {
  it('is no wrong password, though that was in the line', async () => {
    await using server = await scriptedServer(
      announcing(
        ['USER'],
        ...[expectLine(/^AUTH PLAIN /), send('-ERR Unsupported authentication mechanism.\r\n')],
        closed(),
      ),
    )
    await expect(openAt(server, { auth: 'PLAIN' })).rejects.toMatchObject({
      code: 'LOGIN_NO_MECHANISM',
    })
    await server.played()
  })
})

describe('a challenge', () => {
  it('is LOGIN_CHALLENGE where it makes no sense after the password was sent', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL PLAIN LOGIN', 'USER'],
        ...[expectLine(/^AUTH PLAIN /), send('+ \r\n'), expectLine(plain), send('+ more\r\n')],
        ...[expectLine('*'), send('-ERR\r\n'), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({
      code: 'LOGIN_CHALLENGE',
      mechanism: 'PLAIN',
    })
    await server.played()
  })

  it.each(['+OK\r\n', '+ again\r\n'])('is LOGIN_CHALLENGE where * leads to %j', async (reply) => {
    await using server = await scriptedServer(
      announcing(
        ['SASL CRAM-MD5 PLAIN'],
        ...[expectLine('AUTH CRAM-MD5'), send('+ !!!\r\n'), expectLine('*'), send(reply), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_CHALLENGE' })
    await server.played()
    expect(linesAt(server).at(-1)).toBe('*')
  })

  it('ends the session where its line passes 64 KiB', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL CRAM-MD5'],
        ...[expectLine('AUTH CRAM-MD5'), send(`+ ${'A'.repeat(1_000_000)}\r\n`), closed()],
      ),
    )
    await expect(openAt(server)).rejects.toMatchObject({ code: 'POP3_LIMIT' })
    expect(linesAt(server).at(-1)).toBe('AUTH CRAM-MD5')
  })

  it('comes to an end', async () => {
    await using server = await scriptedServer(async (connection) => {
      for (const step of announcing(['SASL LOGIN'])) await step(connection)
      for (;;) {
        if ((await connection.nextLine()) === undefined) return
        await connection.send('+ \r\n')
      }
    })
    await expect(openAt(server)).rejects.toMatchObject({ code: 'LOGIN_CHALLENGE' })
    expect(linesAt(server).length).toBeLessThan(SASL_ROUNDS)
  })
})

describe('a server that does not know the password', () => {
  it.each(['wrong v=', 'short v=', '+OK without server-final'] as const)(
    'is found out by SCRAM: %s',
    async (hostility) => {
      await using server = await scriptedServer(
        announcing(
          ['SASL SCRAM-SHA-256 PLAIN', 'USER'],
          scramLogin('SCRAM-SHA-256', { hash: 'SHA-256', hostility }),
          closed(),
        ),
      )
      await expect(openAt(server)).rejects.toMatchObject({
        code: 'LOGIN_SERVER_UNPROVEN',
        mechanism: 'SCRAM-SHA-256',
      })
      await server.played()
      // CAPA, AUTH with client-first, client-final; nothing after.
      expect(linesAt(server)).toHaveLength(3)
      expect(server.connections).toHaveLength(1)
    },
  )

  it.each(['missing v=', 'empty server-final'] as const)(
    'does not get in by SCRAM: %s',
    async (hostility) => {
      await using server = await scriptedServer(
        announcing(
          ['SASL SCRAM-SHA-256 PLAIN', 'USER'],
          scramLogin('SCRAM-SHA-256', { hash: 'SHA-256', hostility }),
          closed(),
        ),
      )
      await expect(openAt(server)).rejects.toMatchObject({
        code: expect.stringMatching(/^LOGIN_(SERVER_UNPROVEN|CHALLENGE)$/),
      })
      expect(linesAt(server).join()).not.toMatch(/AUTH PLAIN|USER/)
    },
  )
})

describe('UTF8', () => {
  it.each(['+OK\r\n', '-ERR no\r\n'])(
    'is asked for before login where announced: %j',
    async (reply) => {
      await using server = await scriptedServer(
        announcing(['USER', 'UTF8'], expectLine('UTF8'), send(reply), ...byUser),
      )
      expect(await mechanismAt(server)).toBe('USER')
    },
  )
})
