import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { InterruptedError } from '../../src/cli/failure.ts'
import { Output } from '../../src/cli/output.ts'
import { SyncTalk, type TalkOptions } from '../../src/cli/sync-talk.ts'
import type { SyncEvent } from '../../src/sync/ports/events.ts'
import { type AccountResult, emptyTally } from '../../src/sync/report.ts'

const account = 'work'

function result(changes: Partial<AccountResult> = {}): AccountResult {
  return {
    account,
    error: undefined,
    counts: { ...emptyTally(), listed: 1218, retrieved: 14, stored: 12, octets: 3_400_000 },
    known: 1202,
    postponed: 0,
    renamedFrom: undefined,
    refusals: [],
    preview: undefined,
    ...changes,
  }
}

interface Said {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
}

/** A whole run of one account, as talk. */
async function said(
  ended: AccountResult,
  options: Partial<TalkOptions> & {
    readonly isTTY?: boolean
    readonly events?: readonly SyncEvent[]
  } = {},
): Promise<Said> {
  const { isTTY = false, events = [], ...talkOptions } = options
  const stdout = new PassThrough()
  const stderr = Object.assign(new PassThrough(), { isTTY, columns: 80 })
  const output = new Output(stdout, stderr)
  const talk = await SyncTalk.open(output, { progress: 'never', ...talkOptions }, () => 0)
  for (const event of events) talk.take(event)
  talk.take({ type: 'connecting', account })
  talk.take({ type: 'receiving', account, octets: 100 })
  talk.take({ type: 'notice', account, code: 'RENAMED', text: 'was \x1b[1mhome' })
  const exit = talk.finished(ended)
  talk.close(exit, ended.error instanceof InterruptedError ? ended.error : undefined)
  return { exit, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

const refused = result({
  counts: { ...emptyTally(), failed: 2, stored: 1, retrieved: 1, octets: 10 },
  refusals: [
    {
      messageNumber: 7,
      key: { uniqueId: 'u7', occurrence: 1, octets: 5 },
      serverText: 'no \x1b[2Jsuch message',
    },
  ],
})

describe('SyncTalk', () => {
  it('says nothing where no terminal is and nothing went wrong', async () => {
    expect(await said(result())).toEqual({ exit: 0, stdout: '', stderr: '' })
  })

  it('says one line an account on a terminal', async () => {
    expect((await said(result(), { isTTY: true })).stderr).toBe(
      'work: was \\x1b[1mhome\n' +
        'work: 12 new messages (3.4 MB) kept, 1,204 already here (2 of them retrieved), 0 deleted\n',
    )
  })

  it('says on a terminal what it waits for, and until when where that is known', async () => {
    const at = new Date(2026, 2, 1, 3, 22, 5).toISOString()
    const events: SyncEvent[] = [
      { type: 'waiting', account, until: undefined, reason: 'locked' },
      { type: 'waiting', account, until: at, reason: 'in use' },
    ]
    const { stderr } = await said(result(), { isTTY: true, events })
    expect(stderr).toMatch(
      /^work: waits for another run to end\nwork: waits until 03:22:05 for another session to end\n/,
    )
    expect((await said(result(), { events })).stderr).toBe('')
    const { stdout } = await said(result(), { events, json: true })
    expect(stdout).toContain(`{"type":"waiting","account":"work","until":"${at}","reason":"inUse"}`)
  })

  it('says why it tries again', async () => {
    const until = new Date(2026, 2, 1, 3, 22, 5).toISOString()
    const cause = 'the server said "\x1b[2Jbye"'
    const events: SyncEvent[] = [{ type: 'waiting', account, until, reason: 'retry', cause }]
    const { stderr } = await said(result(), { verbose: true, events })
    expect(stderr).toContain(
      'work: waits until 03:22:05 to try again: the server said "\\x1b[2Jbye"\n',
    )
  })

  it('says nothing on a terminal either, if asked to be quiet', async () => {
    expect((await said(result(), { isTTY: true, quiet: true })).stderr).toBe('')
  })

  it('says each step where it is asked to', async () => {
    const { stderr } = await said(result(), { verbose: true })
    expect(stderr).toContain('work: connecting\n')
  })

  it('tells refused messages also under cron, with the server text made safe', async () => {
    expect(await said(refused)).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'popkeep: work: the server refused to hand over 2 messages; the rest is stored ' +
        '(number 7: "no \\x1b[2Jsuch message"). popkeep status says when they are asked for again.\n',
    })
  })

  it('tells what ended an account, what the server said, and what to do', async () => {
    const error = Object.assign(new Error('the server refused the login'), {
      code: 'LOGIN_REFUSED',
      serverText: 'bad\u202epassword',
    })
    expect(await said(result({ error, counts: emptyTally() }))).toEqual({
      exit: 77,
      stdout: '',
      stderr:
        'popkeep: work: the server refused the login. The server said: "bad\\u202epassword". ' +
        'Check user (the whole address, or what stands before the @) and password; many providers want an app password.\n',
    })
  })

  it('tells an interruption once', async () => {
    const { exit, stderr } = await said(result({ error: new InterruptedError(143) }))
    expect(exit).toBe(143)
    expect(stderr.match(/interrupted/g)).toHaveLength(1)
  })

  it('does not say what became of a deletion, where nobody knows that', async () => {
    const error = new InterruptedError(130)
    const deleting: SyncEvent = { type: 'deleting', account, messages: 3 }
    const deleted = { type: 'deleted', account, uniqueId: 'u', octets: 7, digest: 'ab' } as const
    const words = async (...events: SyncEvent[]) =>
      (await said(result({ error }), { events })).stderr
    expect(await words()).toContain('nothing was being deleted on the server\n')
    expect(await words(deleting)).toContain(
      'interrupted; what was stored stays. On the server 3 messages were being deleted, and may be gone there or not: the next run finds out.',
    )
    expect(await words(deleting, { ...deleted, quit: 'lost' })).toContain('1 message was being')
    expect(await words(deleting, { ...deleted, quit: 'done' })).toContain('nothing was being')
    const refusedAll = { type: 'notice', account, code: 'DELETION_REFUSED', text: '' } as const
    expect(await words(deleting, refusedAll)).toContain('nothing was being')
  })

  it('writes the plan of a dry run to stdout, terminal or not', async () => {
    const preview = {
      retrieve: [
        { messageNumber: 3, uniqueId: 'a\x1bb', octets: 1200 },
        { messageNumber: 4, uniqueId: undefined, octets: undefined },
      ],
      delete: [
        { messageNumber: 1, uniqueId: 'old', octets: 7 },
        { messageNumber: 2, uniqueId: 'x', octets: 8, subject: 'hi \x1b[1m' },
      ],
    }
    const totals = 'work: would retrieve 2 messages (1.2 kB), 1,202 already here, would delete 2\n'
    const plan =
      'would retrieve  work  a\\x1bb  1200\n' +
      'would retrieve  work  -  -\n' +
      'would delete  work  old  7\n' +
      'would delete  work  x  8  -  "hi \\x1b[1m"\n'
    expect(await said(result({ preview }))).toEqual({ exit: 0, stdout: plan + totals, stderr: '' })
    expect((await said(result({ preview }), { isTTY: true })).stdout).toBe(plan + totals)
    expect((await said(result({ preview }), { quiet: true })).stdout).toBe(totals)
    expect((await said(result({ preview }), { json: true })).stdout).not.toContain('would retrieve')
  })

  it('gives events, accounts and a summary to a script, but not each octet', async () => {
    const { stdout } = await said(refused, { json: true })
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.map(({ type }) => type)).toEqual(['connecting', 'notice', 'account', 'summary'])
    expect(lines[2]).toMatchObject({
      account,
      exit: 1,
      failed: 2,
      error: { code: 'POP3_REFUSED' },
      refusals: [{ messageNumber: 7, uniqueId: 'u7', text: 'no \x1b[2Jsuch message' }],
    })
    expect(lines[3]).toEqual({ type: 'summary', exit: 1 })
  })

  it('draws bars on a terminal and takes them off again', async () => {
    const { stderr } = await said(result(), { isTTY: true, progress: 'auto' })
    expect(stderr).toContain('\x1b[?25l')
    expect(stderr.lastIndexOf('\x1b[?25h')).toBeGreaterThan(stderr.lastIndexOf('\x1b[?25l'))
    expect(stderr).toContain(
      'work: 12 new messages (3.4 MB) kept, 1,204 already here (2 of them retrieved), 0 deleted\n',
    )
  })
})
