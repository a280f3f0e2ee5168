import { describe, expect, it } from 'vitest'
import type { Credential } from '../../src/client/maildrop.ts'
import {
  closed,
  expectLine,
  fin,
  type ScriptedServer,
  type Step,
  scriptedServer,
  send,
} from '../support/scripted-server.ts'
import { announcing, lastCapa, openAt } from './conversation.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const xoauth2 = (token: string): string => base64(`user=me\x01auth=Bearer ${token}\x01\x01`)
const invalid = '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'

/** A token source that hands out these in turn; the first by `token`. */
function tokens(...all: readonly [string, ...(string | undefined)[]]): {
  readonly credential: Credential
  readonly rejected: string[]
} {
  const rejected: string[] = []
  return {
    rejected,
    credential: {
      type: 'token',
      token: async () => all[0],
      renew: async (bad) => {
        rejected.push(bad)
        return all[rejected.length]
      },
    },
  }
}

/** AUTH in two steps up to this token. */
const twoSteps = (mechanism: string, answer: string): Step[] => [
  ...[expectLine(`AUTH ${mechanism}`), send('+ \r\n'), expectLine(answer)],
]

/** The server refuses the token as Google and Microsoft do. */
const errorChallenge = (answer: string): Step[] => [
  ...[send(`+ ${base64(invalid)}\r\n`), expectLine(answer), send('-ERR [AUTH] Invalid\r\n')],
]

async function openedAt(server: ScriptedServer, credential: Credential, auth?: string) {
  const session = await openAt(server, { credential, auth })
  session.close()
  await server.played()
  return session
}

const both = ['SASL PLAIN XOAUTH2 OAUTHBEARER', 'USER']

describe('a login by token', () => {
  it('sends XOAUTH2 in two steps', async () => {
    await using server = await scriptedServer(
      announcing(both, ...twoSteps('XOAUTH2', xoauth2('token-1')), send('+OK\r\n'), ...lastCapa),
    )
    const { facts } = await openedAt(server, tokens('token-1').credential)
    expect(facts.mechanism).toBe('XOAUTH2')
  })

  it('carries a token of 5,000 octets, in the line too where AUTH alone is refused', async () => {
    const token = 'x'.repeat(5_000)
    await using server = await scriptedServer(
      announcing(
        ['SASL XOAUTH2'],
        ...[expectLine('AUTH XOAUTH2'), send('-ERR missing initial response\r\n')],
        ...[expectLine(`AUTH XOAUTH2 ${xoauth2(token)}`), send('+OK\r\n'), ...lastCapa],
      ),
    )
    await openedAt(server, tokens(token).credential)
  })

  it('sends OAUTHBEARER as RFC 7628 section 4.1 has it, and tries it where XOAUTH2 is unknown', async () => {
    await using server = await scriptedServer(async (connection) => {
      const { port } = server
      const message = base64(
        `n,a=me,\x01host=127.0.0.1\x01port=${port}\x01auth=Bearer t0ken\x01\x01`,
      )
      const steps = announcing(
        both,
        ...[expectLine('AUTH XOAUTH2'), send('-ERR Unsupported mechanism\r\n')],
        ...[...twoSteps('OAUTHBEARER', message), send('+OK\r\n'), ...lastCapa],
      )
      for (const step of steps) await step(connection)
    })
    const { facts } = await openedAt(server, tokens('t0ken').credential)
    expect(facts.mechanism).toBe('OAUTHBEARER')
  })

  it('tries XOAUTH2 where CAPA hides it', async () => {
    await using server = await scriptedServer(
      announcing(['USER'], ...twoSteps('XOAUTH2', xoauth2('t0ken')), send('+OK\r\n'), ...lastCapa),
    )
    await openedAt(server, tokens('t0ken').credential)
  })

  it('never falls back to a password: nothing but the mechanisms of tokens is tried', async () => {
    await using server = await scriptedServer(
      announcing(
        both,
        ...[expectLine('AUTH XOAUTH2'), send('-ERR Unsupported mechanism\r\n')],
        ...[expectLine('AUTH OAUTHBEARER'), send('-ERR Unsupported mechanism\r\n'), closed()],
      ),
    )
    const opened = openAt(server, { credential: tokens('t0ken').credential })
    await expect(opened).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    await server.played()
    expect(server.connections[0]?.receivedText).not.toMatch(/USER|PLAIN|t0ken/)
  })

  it.each<[string, string, string]>([
    ['XOAUTH2', xoauth2('t0ken'), ''],
    ['OAUTHBEARER', 'anything', 'AQ=='],
  ])(
    'answers the error challenge of %s, and tells what it said',
    async (mechanism, _said, answer) => {
      await using server = await scriptedServer(
        announcing(
          [`SASL ${mechanism}`],
          ...[expectLine(`AUTH ${mechanism}`), send('+ \r\n'), expectLine(/^\S+$/)],
          ...[...errorChallenge(answer), closed()],
        ),
      )
      const credential: Credential = { type: 'token', token: async () => 't0ken' }
      await expect(openAt(server, { credential })).rejects.toMatchObject({
        code: 'LOGIN_REFUSED',
        mechanism,
        message: 'the server refused user or token',
        serverText: `-ERR [AUTH] Invalid ${invalid}`,
      })
      await server.played()
      expect(server.connections).toHaveLength(1)
    },
  )
})

describe('a token that is refused', () => {
  const refusing = announcing(
    both,
    ...twoSteps('XOAUTH2', xoauth2('worn-out')),
    ...[...errorChallenge(''), closed()],
  )

  it('is renewed once, on a new connection', async () => {
    await using server = await scriptedServer(
      refusing,
      announcing(both, ...twoSteps('XOAUTH2', xoauth2('fresh')), send('+OK\r\n'), ...lastCapa),
    )
    const { credential, rejected } = tokens('worn-out', 'fresh')
    await openedAt(server, credential)
    expect(rejected).toEqual(['worn-out'])
    expect(server.connections).toHaveLength(2)
  })

  it('is not renewed twice', async () => {
    await using server = await scriptedServer(
      refusing,
      announcing(both, ...twoSteps('XOAUTH2', xoauth2('fresh')), ...errorChallenge(''), closed()),
    )
    const { credential, rejected } = tokens('worn-out', 'fresh', 'fresher')
    await expect(openAt(server, { credential })).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await server.played()
    expect(rejected).toEqual(['worn-out'])
    expect(server.connections).toHaveLength(2)
  })

  it.each([undefined, 'worn-out'])('ends the login where renewing gives %s', async (renewed) => {
    await using server = await scriptedServer(refusing)
    const { credential } = tokens('worn-out', renewed)
    await expect(openAt(server, { credential })).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    expect(server.connections).toHaveLength(1)
  })

  it('is not renewed where the maildrop is the trouble', async () => {
    await using server = await scriptedServer(
      announcing(
        both,
        ...twoSteps('XOAUTH2', xoauth2('worn-out')),
        ...[send('-ERR [IN-USE] no\r\n'), closed()],
      ),
    )
    const { credential, rejected } = tokens('worn-out', 'fresh')
    await expect(openAt(server, { credential })).rejects.toMatchObject({ code: 'LOGIN_IN_USE' })
    expect(rejected).toEqual([])
  })

  it('ends as the source of tokens says, if that fails', async () => {
    await using server = await scriptedServer(refusing)
    const owner = new Error('the owner must come')
    const credential: Credential = {
      type: 'token',
      token: async () => 'worn-out',
      renew: () => Promise.reject(owner),
    }
    await expect(openAt(server, { credential })).rejects.toBe(owner)
  })

  it('ends without a connection where there is none, or one that cannot be sent', async () => {
    await using server = await scriptedServer([closed()])
    const none = new Error('no token')
    const credential = { type: 'token', token: () => Promise.reject(none) } as const
    await expect(openAt(server, { credential })).rejects.toBe(none)
    const broken = tokens('a\r\nDELE 1').credential
    await expect(openAt(server, { credential: broken })).rejects.toMatchObject({
      code: 'POP3_ARGUMENT',
    })
    expect(server.connections).toHaveLength(0)
  })
})

describe('the first STAT after a login by token', () => {
  const loggedIn = announcing(
    both,
    ...twoSteps('XOAUTH2', xoauth2('t0ken')),
    ...[send('+OK User successfully authenticated.\r\n'), ...lastCapa, expectLine('STAT')],
  )

  it('shows that the token is of another user, as at Microsoft', async () => {
    await using server = await scriptedServer([
      ...loggedIn,
      ...[send('-ERR Command is not valid in this state.\r\n'), fin()],
    ])
    const session = await openAt(server, { credential: tokens('t0ken').credential })
    await expect(session.stat()).rejects.toMatchObject({
      code: 'LOGIN_REFUSED',
      mechanism: 'XOAUTH2',
      serverText: '-ERR Command is not valid in this state.',
    })
    session.close()
  })

  it('may meet a passing trouble', async () => {
    await using server = await scriptedServer([
      ...loggedIn,
      ...[send('-ERR [SYS/TEMP] later\r\n'), closed()],
    ])
    const session = await openAt(server, { credential: tokens('t0ken').credential })
    await expect(session.stat()).rejects.toMatchObject({ code: 'POP3_TEMPORARY' })
    session.close()
  })
})
