import { describe, expect, it } from 'vitest'
import { Concealment } from '../../src/client/concealment.ts'
import { ProtocolError } from '../../src/pop3/errors.ts'
import { closed, expectLine, scriptedServer, send } from '../support/scripted-server.ts'
import { announcing, openAt, password } from './conversation.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')

function concealing(...secrets: readonly string[]): Concealment {
  const concealment = new Concealment()
  for (const secret of secrets) concealment.add(secret)
  return concealment
}

describe('concealment', () => {
  it('masks a secret as it is, in base64, and without padding', () => {
    const concealment = concealing('hunter2')
    for (const form of ['hunter2', base64('hunter2'), base64('hunter2').replace(/=+$/, '')]) {
      expect(concealment.text(`-ERR bad ${form} for me`)).toMatch(/^-ERR bad \*\*\*=* for me$/)
    }
  })

  it('masks the longer of two where one is part of the other', () => {
    expect(concealing('pass', 'password').text('-ERR password')).toBe('-ERR ***')
    expect(concealing('password', 'pass').text('-ERR password')).toBe('-ERR ***')
  })

  it('masks a secret in hex, and as URLs have it', () => {
    const concealment = concealing('h\u00fcnter 2')
    for (const form of ['68c3bc6e7465722032', '68C3BC6E7465722032', 'h%C3%BCnter%202']) {
      expect(concealment.text(`-ERR bad ${form} for me`)).toBe('-ERR bad *** for me')
    }
  })

  it('masks the beginning of a secret where a long text was cut', () => {
    const token = 'ya29.'.padEnd(2_400, 'a1b2c3')
    const cut = `-ERR ${'x'.repeat(500)} ${token}`.slice(0, 1_024)
    expect(concealing(token).text(cut)).toBe(`-ERR ${'x'.repeat(500)} ***`)
    expect(concealing(token).text('-ERR ya29.a1b2')).toBe('-ERR ya29.a1b2')
  })

  it('leaves words of three letters: nothing of the text would remain', () => {
    expect(concealing('the').text('-ERR the password')).toBe('-ERR the password')
  })

  it('masks a challenge that means a secret, wherever in it that begins', () => {
    const concealment = concealing('hunter2')
    for (const before of ['', 'x', 'xy']) {
      const text = base64(`${before}hunter2 was it`)
      const event = { type: 'continuation', command: { keyword: 'NOOP' }, text } as const
      expect(concealment.event({ ...event, line: `+ ${text}` })).toMatchObject({
        line: '+ ***',
        text,
      })
    }
  })

  it('masks the words of an error, not its kind', () => {
    const error = new ProtocolError('POP3_OUT_OF_STEP', 'x', { serverText: 'what is hunter2?' })
    expect(concealing('hunter2').error(error)).toMatchObject({
      code: 'POP3_OUT_OF_STEP',
      serverText: 'what is ***?',
    })
  })
})

describe('a server that says back what it was sent', () => {
  const secret = 'canary-in-the-coal-mine'

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-256'])(
    'is not quoted: %s',
    async (mechanism) => {
      const heard: string[] = []
      await using server = await scriptedServer(async (connection) => {
        for (const step of announcing([`SASL ${mechanism}`])) await step(connection)
        const begun = await connection.nextLine()
        heard.push(begun?.split(' ')[2] ?? '')
        // Any challenge will do; the answers come back in whatever form.
        while (mechanism !== 'PLAIN' && heard.length < 3) {
          await connection.send(`+ ${base64('<1@example.com>')}\r\n`)
          const line = await connection.nextLine()
          if (line === undefined || line === '*') break
          heard.push(line)
        }
        const answers = heard.filter((line) => line !== '')
        const meanings = answers.map((line) => Buffer.from(line, 'base64').toString('latin1'))
        const digests = meanings.flatMap((meaning) => /[0-9a-f]{32}/.exec(meaning) ?? [])
        const said = [...answers, ...digests, secret, base64(secret)].join(' ')
        await connection.send(`-ERR [AUTH] ${said}\r\n`)
        await connection.closed()
      })
      const trace: string[] = []
      const opened = openAt(server, {
        credential: password(secret),
        trace: (line) => trace.push(line),
      })
      const error = await opened.catch((failure: unknown) => failure)
      const shown = `${trace.join('\n')}\n${JSON.stringify(error)}\n${String(error)}`
      expect(shown).toContain('***')
      for (const sent of heard.filter((line) => line.length > 4)) expect(shown).not.toContain(sent)
      expect(shown).not.toContain(secret)
      expect(shown).not.toContain(base64(secret))
      expect(shown).not.toMatch(/[0-9a-f]{32}/)
    },
  )

  it('is not quoted in the greeting of a later connection', async () => {
    await using server = await scriptedServer([
      ...[send(`+OK hello ${secret}\r\n`), expectLine('CAPA'), send('-ERR\r\n'), closed()],
    ])
    const trace: string[] = []
    const opened = openAt(server, {
      ...{ credential: password(secret), auth: 'APOP' },
      trace: (line) => trace.push(line),
    })
    await expect(opened).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    expect(trace[0]).toBe('S: +OK hello ***')
  })

  it('is not quoted in the JSON of an error challenge', async () => {
    await using server = await scriptedServer(
      announcing(
        ['SASL XOAUTH2'],
        ...[expectLine('AUTH XOAUTH2'), send('+ \r\n'), expectLine(/^\S+$/)],
        ...[send(`+ ${base64(`{"status":"401","token":"${secret}"}`)}\r\n`), expectLine('')],
        ...[send('-ERR no\r\n'), closed()],
      ),
    )
    const trace: string[] = []
    const opened = openAt(server, {
      credential: { type: 'token', token: async () => secret },
      trace: (line) => trace.push(line),
    })
    await expect(opened).rejects.toMatchObject({
      serverText: '-ERR no {"status":"401","token":"***"}',
    })
    expect(trace).toContain('S: + ***')
  })
})
