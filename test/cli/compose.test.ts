import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { composeSync, plainMaildrop } from '../../src/cli/compose.ts'
import type { CommandContext } from '../../src/cli/context.ts'
import { Output } from '../../src/cli/output.ts'
import type { SyncOptions } from '../../src/cli/sync-options.ts'
import { afterLogin, announcing } from '../client/conversation.ts'
import { closed, expectLine, scriptedServer, send } from '../support/scripted-server.ts'

function taskOf(
  url: string,
  options: Partial<SyncOptions>,
  env: Readonly<Record<string, string>> = {},
) {
  const context: CommandContext = {
    output: new Output(new PassThrough(), new PassThrough()),
    stdin: new PassThrough(),
    env: { HOME: '/nowhere', ...env },
    signals: process,
    invocation: 'popkeep',
    quit: () => {},
    now: () => 0,
    end: () => {},
  }
  const archive = 'sqlite:/nowhere/mail.sqlite'
  const { tasks } = composeSync([url], { progress: 'auto', archive, ...options }, context)
  const [task] = tasks
  if (task === undefined) throw new Error('a URL is one account')
  return task
}

const warningOf = (...[url, options]: Parameters<typeof taskOf>) => taskOf(url, options).warning

describe('the warning of a task', () => {
  it('says that clear text crosses a network', () => {
    expect(warningOf('pop://me@pop.example.com', { tls: 'none' })).toMatch(/clear text/)
  })

  it('is silent within this machine, and with TLS', () => {
    expect(warningOf('pop://me@127.0.0.1', { tls: 'none' })).toBeUndefined()
    expect(warningOf('pop://me@[::1]', { tls: 'none' })).toBeUndefined()
    expect(warningOf('pop://me@pop.example.com', {})).toBeUndefined()
  })
})

describe('the maildrop of a task', () => {
  it('remembers through all sessions of a run which timestamps it answered by APOP', async () => {
    const stamp = '<1896.697170952@dbc.mtview.ca.us>'
    const greeting = [send(`+OK ${stamp}\r\n`), ...announcing([]).slice(1)]
    await using server = await scriptedServer(
      [...greeting, expectLine(/^APOP/), send('-ERR no\r\n'), closed()],
      [...greeting, closed()],
    )
    const url = `pop://me;AUTH=+APOP@127.0.0.1:${server.port}`
    const { signal } = new AbortController()
    const maildrop = await taskOf(url, { tls: 'none' }, { POPKEEP_PASSWORD: 'pw' }).prepare(signal)
    const open = () => maildrop.open(signal, { pipelining: true })
    await expect(open()).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    await expect(open()).rejects.toMatchObject({ code: 'LOGIN_NO_MECHANISM' })
    await server.played()
  })

  it('is opened each time as it is asked for: with several commands at once, or with one', async () => {
    await using server = await scriptedServer(afterLogin([closed()]), afterLogin([closed()]))
    const { port } = server
    const maildrop = plainMaildrop({ port, user: 'me', password: 'secret' })
    const { signal } = new AbortController()
    for (const pipelining of [true, false]) {
      const session = await maildrop.open(signal, { pipelining })
      expect(session.pipelined).toBe(pipelining)
      session.close()
    }
    await server.played()
  })
})
