import { describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import { syncAccount } from '../../src/sync/engine.ts'
import { StepRecord } from '../../src/sync/in-step.ts'
import { KEEP_ALL } from '../../src/sync/policy.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { type ScriptedConnection, scriptedServer } from '../support/scripted-server.ts'

const NUMBERS = [1, 2, 3, 4, 5, 6]
const text = (n: number): string => `Subject: number ${n}\r\n\r\nbody\r\n`
const longer = (n: number): string => `Subject: number ${n}\r\n\r\n${'a long body'.repeat(n)}\r\n`

/** What the server says to `RETR n` in its first session. */
type Replies = (number: number, reply: (number: number) => string) => string

async function serve(
  connection: ScriptedConnection,
  mail: (n: number) => string,
  replies: Replies,
  isOneAtATime: boolean,
): Promise<void> {
  const rows = (row: (n: number) => string): string =>
    `+OK\r\n${NUMBERS.map((n) => `${row(n)}\r\n`).join('')}.\r\n`
  const octets = NUMBERS.reduce((sum, n) => sum + mail(n).length, 0)
  const answers: Record<string, () => string> = {
    CAPA: () => '+OK\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n',
    STAT: () => `+OK ${NUMBERS.length} ${octets}\r\n`,
    LIST: () => rows((n) => `${n} ${mail(n).length}`),
    UIDL: () => rows((n) => `${n} id${n}`),
  }
  await connection.send('+OK ready\r\n')
  for (let turn = 0; turn < 100; turn += 1) {
    const line = await connection.nextLine()
    if (line === undefined) return
    const isAlone = connection.receivedText.split('\r\n').length === turn + 2
    if (isOneAtATime && !isAlone) return connection.reset()
    const [keyword = '', number] = line.split(' ')
    if (keyword !== 'RETR') await connection.send(answers[keyword]?.() ?? '+OK\r\n')
    else await connection.send(replies(Number(number), (n) => `+OK\r\n${mail(n)}.\r\n`))
    if (keyword === 'QUIT') connection.fin()
  }
}

async function twoRuns(mail: (n: number) => string, replies: Replies, isOneAtATime = false) {
  const archive = new MemoryArchive()
  await using server = await scriptedServer(
    (connection) => serve(connection, mail, replies, isOneAtATime),
    (connection) => serve(connection, mail, (n, reply) => reply(n), isOneAtATime),
  )
  const { host, port } = server
  const run = () =>
    syncAccount(
      {
        identity: { name: 'work', host, user: 'me' },
        maildrop: {
          open: (signal, { pipelining }) =>
            createMaildrop({
              ...{
                host,
                port,
                user: 'me',
                credential: { type: 'password', secret: 'secret' },
                tls: 'none',
                pipelining,
              },
            }).open(signal),
        },
        policy: KEEP_ALL,
        progress: () => {},
        signal: new AbortController().signal,
        now: () => archive.now,
      },
      archive,
      new Set(['work']),
    )
  const first = await run()
  const second = await run()
  const named = archive.accounts.flatMap(({ receipts }) =>
    receipts.map(({ uniqueId, message }) => {
      const kept = archive.messages.find(({ id }) => id === message)
      return [uniqueId, Buffer.from(kept?.octets ?? []).toString('latin1')]
    }),
  )
  return { first, second, named: Object.fromEntries(named) }
}

describe('a server that mixes up its replies', () => {
  it.each<[string, string, (n: number) => string, Replies]>([
    ['two', 'POP3_OUT_OF_STEP', text, (n, reply) => reply(n).repeat(n === 2 ? 2 : 1)],
    ['no', 'POP3_OUT_OF_STEP', text, (n, reply) => (n === 2 ? '' : reply(n))],
    ['the next', 'POP3_OUT_OF_STEP', longer, (n, reply) => reply(n === 2 ? 3 : n === 3 ? 2 : n)],
    [
      'a late refusal, and no other,',
      'POP3_OUT_OF_STEP',
      longer,
      (n, reply) => (n === 2 ? '' : n === 5 ? `${reply(n)}-ERR locked\r\n` : reply(n)),
    ],
    [
      'no, and one too many behind,',
      'POP3_OUT_OF_STEP',
      longer,
      (n, reply) => (n === 2 ? '' : n === 5 ? `${reply(n)}+OK\r\nagain\r\n.\r\n` : reply(n)),
    ],
    [
      'one too many, and none behind,',
      'POP3_OUT_OF_STEP',
      longer,
      (n, reply) => (n === 2 ? `+OK\r\nagain\r\n.\r\n${reply(n)}` : n === 5 ? '' : reply(n)),
    ],
  ])(
    'by %s reply to one of many, files none under a wrong unique-id',
    async (_what, code, mail, replies) => {
      const { first, second, named } = await twoRuns(mail, replies)
      expect(first.error).toMatchObject({ code })
      expect(second.error).toBeUndefined()
      expect(named).toEqual(Object.fromEntries(NUMBERS.map((n) => [`id${n}`, mail(n)])))
    },
  )
})

describe('a server that refuses one of many', () => {
  it('at once: retrieves those beside it once more, and tells of it once', async () => {
    const { first, named } = await twoRuns(text, (n, reply) => (n === 2 ? '-ERR no\r\n' : reply(n)))
    expect(first).toMatchObject({
      error: undefined,
      counts: { retrieved: 5, stored: 5, failed: 1 },
      refusals: [{ messageNumber: 2, serverText: '-ERR no' }],
      postponed: 0,
    })
    expect(named).toEqual(Object.fromEntries(NUMBERS.map((n) => [`id${n}`, text(n)])))
  })

  it('counts each row once, also where all have the same octets', async () => {
    const same = () => text(1)
    const { first } = await twoRuns(same, (n, reply) => (n === 2 ? '-ERR no\r\n' : reply(n)))
    expect(first.counts).toMatchObject({ retrieved: 5, stored: 1, failed: 1 })
  })

  it('and then breaks: the next run goes on', async () => {
    const asked: number[] = []
    const { first, second, named } = await twoRuns(text, (n, reply) => {
      asked.push(n)
      // Asked for alone by then.
      if (n === 3 && asked.filter((one) => one === 3).length === 2) return ''
      return n === 2 ? '-ERR no\r\n' : reply(n)
    })
    expect(first.error).toMatchObject({ code: 'POP3_OUT_OF_STEP' })
    expect(first.counts).toMatchObject({ retrieved: 5, stored: 5 })
    expect(first.postponed).toBe(5)
    expect(second.counts).toMatchObject({ listed: 6, stored: 1 })
    expect(named).toEqual(Object.fromEntries(NUMBERS.map((n) => [`id${n}`, text(n)])))
  })

  it('later, in the place of another: files none under a wrong unique-id though all have one size', async () => {
    const asked = new Set<number>()
    const { first, named } = await twoRuns(text, (n, reply) => {
      const isFirst = !asked.has(n)
      asked.add(n)
      if (!isFirst || n < 2 || n > 4) return reply(n)
      return n === 4 ? '-ERR busy\r\n' : reply(n + 1)
    })
    expect(first).toMatchObject({ error: undefined, refusals: [] })
    expect(first.counts).toMatchObject({ retrieved: 6, stored: 6, failed: 0 })
    expect(named).toEqual(Object.fromEntries(NUMBERS.map((n) => [`id${n}`, text(n)])))
  })
})

describe('a server that ends the session at the second of two commands', () => {
  it('gets one at a time in the next run', async () => {
    const { first, second, named } = await twoRuns(text, (n, reply) => reply(n), true)
    expect(first.error).toMatchObject({ code: 'NET_CLOSED' })
    expect(second.error).toBeUndefined()
    expect(Object.keys(named)).toHaveLength(NUMBERS.length)
  })
})

describe("messages in each other's place", () => {
  type Size = readonly [listed: number, came: number, lineEnds?: number]
  const ended = (...sizes: readonly Size[]) => {
    const steps = new StepRecord()
    for (const [listed, came, lineEnds] of sizes) steps.ended({ listed, came, lineEnds })
    return steps
  }
  const refused = (steps: StepRecord, listed: number) => {
    steps.refused(listed)
    return steps
  }
  const shifted: readonly Size[] = Array.from({ length: 45 }, (_, n) => [
    1000 + 37 * n,
    1037 + 37 * n,
  ])

  it.each<[string, number, StepRecord]>([
    ["have each other's listed octets", 3, ended([10, 10], [11, 13], [12, 11], [13, 12])],
    ['have those of the next, which was refused', 1, refused(ended([11, 15]), 15)],
    ['have those of the next, up to one that was refused', 45, refused(ended(...shifted), 2665)],
    ['have those of the next, up to one too many', 45, ended(...shifted, [2665, 7])],
    ['have those of the one before, behind one too many', 2, ended([11, 7], [15, 11], [19, 15])],
    ['changed places, beside a few wrong sizes', 2, ended([11, 15], [15, 11], [20, 21], [30, 33])],
  ])('are those that %s', (_what, count, steps) => {
    expect(() => steps.requireOrder()).toThrow(
      expect.objectContaining({
        code: 'POP3_OUT_OF_STEP',
        message: expect.stringContaining(`(${count} seen)`),
      }),
    )
    expect(() => steps.requireOrder()).not.toThrow()
  })

  it.each<[string, StepRecord]>([
    ['leaves line ends out', ended(...NUMBERS.map((n): Size => [n * 2, n * 2 + 2]))],
    ['counts line ends as one', ended(...NUMBERS.map((n): Size => [n * 3, n * 3 + 3, 3]))],
    ['has a message of another size beside a refused one', refused(ended([10, 12]), 13)],
    ['has three of other sizes', ended([10, 12], [12, 11], [13, 17])],
    ['estimates', ended(...Array.from({ length: 50 }, (_, n): Size => [n * 100, n * 107 + 3]))],
    ['refuses one', refused(ended(), 10)],
  ])('are not seen where the server %s', (_what, steps) => {
    expect(() => steps.requireOrder()).not.toThrow()
  })

  it('are not looked for where nothing is listed', () => {
    const steps = new StepRecord()
    steps.ended(undefined)
    steps.refused(undefined)
    expect(() => steps.requireOrder()).not.toThrow()
  })
})
