import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { composeSync } from '../../src/cli/compose.ts'
import type { CommandContext } from '../../src/cli/context.ts'
import { Output } from '../../src/cli/output.ts'
import type { SyncOptions } from '../../src/cli/sync-options.ts'

function warningOf(url: string, options: Partial<SyncOptions>): string | undefined {
  const context: CommandContext = {
    output: new Output(new PassThrough(), new PassThrough()),
    stdin: new PassThrough(),
    env: { HOME: '/nowhere' },
    signals: process,
    invocation: 'popkeep',
    quit: () => {},
    now: () => 0,
    end: () => {},
  }
  const archive = 'sqlite:/nowhere/mail.sqlite'
  const { tasks } = composeSync([url], { progress: 'auto', archive, ...options }, context)
  return tasks[0]?.warning
}

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
