/**
 * One fault of a server behind the login against the real program, in both archives, over all variants of
 * {clear text, TLS} x {one command at a time, pipelined} x {keep, delete}.
 *
 *     mailCase({
 *       number: 'B3',
 *       name: 'resets the connection within a message, once',
 *       script: () => (line, session) =>
 *         line === 'RETR 2' && session.index === 0 ? inTurn(send('+OK\r\nSubj'), reset()) : undefined,
 *       expect: { exit: 0 },
 *     })
 *
 * `number` and `name` stand in docs/faults.md. The maildrop has four messages, `u-1` to `u-4`, unless `letters` says
 * otherwise; `letter(uniqueId, text, { name, listed })` makes one. `script` is called once a variant, so that it may keep
 * state of its own, and returns a function that hears each command line:
 *
 * - it returns a string or octets: that is said in place of the right reply;
 * - undefined: the right reply, which `session.right(line)` makes, for those who want to spoil it;
 * - a step of support/scripted-server.ts, or several `inTurn`: `send`, `reset`, `fin`, `stopReading`, `hold(gate.opened)`,
 *   `closed`. `session.connection.chunk(1)` sends an octet a segment from there on.
 *
 * `session.index` counts the sessions of all runs of a case from 0; `session.of(line)` is the message that the line is about.
 * DELE marks a message if a string that begins with +OK answers it, and such a reply to QUIT removes what is marked. A step
 * in place of QUIT's reply calls `session.commit()` where it is to do so.
 *
 * No time passes but by `stage.time`: limits of half a second and more are reached by `hangs(stage)`, which passes time until the
 * client gives up, or by `await stage.time.pass(ms)`; waits between two sessions of a run are over at once. All limits are
 * those of the program. A test that needs others mocks them: `vi.mock('../../src/pop3/limits.ts', ...)`.
 *
 * What is held for each case, and is not to be said in it: the run ends, by no defect and no unhandled rejection; whenever
 * DELE comes, and when QUIT removes a message, the archive has its exact octets; the secret is nowhere; no control octet reaches
 * the terminal; and on the next day a run to a server in health leaves with 0, with each message of the maildrop in the
 * archive, nothing else than before, and each bound once.
 */
import { expect, it } from 'vitest'
import { query } from '../support/archive-content.ts'
import {
  type ScriptedServer,
  type Step,
  scriptedServer,
  scriptedTlsServer,
} from '../support/scripted-server.ts'
import { CANARY, leaks } from './canary.ts'
import { type Ending, expectEnding } from './ending.ts'
import { Household, serverCertificates, storedIn } from './household.ts'
import { type Answer, fourLetters, type Letter, letter, ScriptedMaildrop } from './mail-server.ts'
import { PassingTime } from './passing-time.ts'
import { popkeepHere, type Run } from './program.ts'

export { fourLetters, type Letter, letter, type MailSession } from './mail-server.ts'

/** The bound against hangs, not a speed limit. */
const CASE_MS = 120_000

const DAY_MS = 24 * 3600 * 1000

/** One way of being asked. */
export interface Variant {
  readonly tls: boolean
  readonly pipelining: boolean
  readonly mode: 'keep' | 'delete'
}

/** What a script has at hand. */
export interface MailStage extends Variant {
  readonly maildrop: ScriptedMaildrop
  readonly time: PassingTime
}

export interface MailCase {
  /** As docs/faults.md has it, like the name. */
  readonly number: string
  /** What the server does. */
  readonly name: string
  /** Default: all variants. */
  readonly only?: Partial<Variant>
  /** Of a case that is larger than others: its bound against hangs, ms. */
  readonly boundMs?: number
  readonly letters?: (variant: Variant) => readonly Letter[]
  /** Default: all is answered as it should be. */
  readonly script?: (stage: MailStage) => Answer
  /** Announced besides USER, UIDL, TOP and, in its variants, PIPELINING; a function gets those and says all. */
  readonly capabilities?: readonly string[] | ((usual: readonly string[]) => readonly string[])
  readonly args?: readonly string[]
  /** The first run keeps everything on the server, in all variants. */
  readonly keepsAtFirst?: boolean
  readonly expect: ByVariant<MailExpectation>
  /** Further runs against the same server, each a day later unless it says otherwise. */
  readonly later?: readonly NextRun[]
  /** What the run against a server in health differs in from what this file's head says. */
  readonly recovery?: ByVariant<Partial<MailExpectation>>
}

export interface NextRun {
  /** Ms since the run before. Default: a day. */
  readonly afterMs?: number
  /** What happens to the maildrop before. */
  readonly before?: (stage: MailStage) => void
  readonly args?: readonly string[]
  readonly expect: ByVariant<MailExpectation>
}

type ByVariant<T> = T | ((variant: Variant) => T)

export interface MailExpectation extends Ending {
  /**
   * The whole archive after this run: names of messages, or octets of what no message has. Default: all that the maildrop had
   * before this run, and what the archive had then.
   */
  readonly kept?: readonly (string | Uint8Array)[]
  /** For which DELE came in this run, once or more. Default: where all is to be deleted and the exit is 0, all that the maildrop had; else none. */
  readonly deleted?: readonly string[]
  /** For which RETR came in this run, as often as it came, in any order. Default: not looked at. */
  readonly retrieved?: readonly string[]
  /** The lines of each session of this run. */
  readonly wire?: (sessions: readonly (readonly string[])[], server: ScriptedServer) => void
}

const VARIANTS: readonly Variant[] = [false, true].flatMap((tls) =>
  [false, true].flatMap((pipelining) =>
    (['keep', 'delete'] as const).map((mode) => ({ tls, pipelining, mode })),
  ),
)

/** Steps one after another. */
export const inTurn =
  (...steps: readonly Step[]): Step =>
  async (connection) => {
    for (const step of steps) await step(connection)
  }

/** Says nothing more, and lets time pass until the client is gone. */
export const hangs =
  ({ time }: MailStage): Step =>
  async (connection) => {
    while (!connection.isEnded) await time.pass(1000)
  }

/** Declares the tests of one case, one for each variant. */
export function mailCase(one: MailCase): void {
  for (const [index, variant] of VARIANTS.entries()) {
    const { only = {} } = one
    const isMeant = Object.entries(only).every(
      ([key, value]) => variant[key as keyof Variant] === value,
    )
    if (!isMeant) continue
    const { tls, pipelining, mode } = variant
    // Of two variants that differ in one thing alone, each has its own archive.
    const kind =
      [...index.toString(2)].filter((bit) => bit === '1').length % 2 ? 'maildir' : 'sqlite'
    const how = `${tls ? 'TLS' : 'clear'}, ${pipelining ? 'pipelined' : 'one at a time'}, ${mode}, ${kind}`
    it(
      `${one.name} (${how})`,
      () => new CasePlay(one, variant, new Household(kind)).play(),
      one.boundMs ?? CASE_MS,
    )
  }
}

class CasePlay {
  readonly #case: MailCase
  readonly #stage: MailStage
  readonly #household: Household
  readonly #rejections: unknown[] = []

  constructor(one: MailCase, variant: Variant, household: Household) {
    this.#case = one
    this.#household = household
    const maildrop = new ScriptedMaildrop(one.letters?.(variant) ?? fourLetters())
    maildrop.onDelete = ({ name, digest }) => {
      expect(storedIn(household), `DELE of ${name}, which is not stored`).toContain(digest)
    }
    this.#stage = { ...variant, maildrop, time: new PassingTime() }
  }

  async play(): Promise<void> {
    const { expect: first, later = [], args = [], script, recovery = {} } = this.#case
    const { time, mode } = this.#stage
    const asked = [...args, ...(mode === 'delete' ? ['--delete'] : [])]
    const rejected = (reason: unknown): number => this.#rejections.push(reason)
    process.on('unhandledRejection', rejected)
    time.install()
    try {
      const answer = script?.(this.#stage)
      await this.#run(this.#case.keepsAtFirst ? args : asked, this.#of(first), answer)
      for (const { afterMs = DAY_MS, before, expect: wanted, args: more = [] } of later) {
        await time.pass(afterMs)
        before?.(this.#stage)
        await this.#run([...asked, ...more], this.#of(wanted), answer)
      }
      await time.pass(DAY_MS)
      await this.#run(asked, { exit: 0, ...this.#of(recovery) })
      this.#expectEachOnce()
    } finally {
      time.remove()
      process.off('unhandledRejection', rejected)
      this.#household.remove()
    }
    expect(this.#rejections).toEqual([])
  }

  #of<T>(wanted: ByVariant<T>): T {
    return typeof wanted === 'function' ? (wanted as (variant: Variant) => T)(this.#stage) : wanted
  }

  /** One run of the program, and all that holds behind it. */
  async #run(args: readonly string[], wanted: MailExpectation, answer?: Answer): Promise<void> {
    const { maildrop } = this.#stage
    const before = { sessions: maildrop.sessions.length, letters: maildrop.letters }
    const stored = storedIn(this.#household)
    for (const names of Object.values(maildrop.log)) names.length = 0
    await using server = await this.#serve(answer)
    this.#household.stayAt(server.port)
    const run = await this.#popkeep(server, args)
    await server.played()
    expectEnding(run, wanted)
    const { kept = before.letters.map(({ name }) => name), retrieved } = wanted
    const digests = new Set([
      ...(wanted.kept ? [] : stored),
      ...kept.map((name) => this.#digest(name)),
    ])
    expect(storedIn(this.#household)).toEqual([...digests].toSorted())
    const isDeleting = args.includes('--delete')
    this.#expectDeleted(wanted, isDeleting ? before.letters : [])
    if (retrieved) expect(maildrop.log.retrieved.toSorted()).toEqual(retrieved.toSorted())
    wanted.wire?.(
      maildrop.sessions.slice(before.sessions).map(({ lines }) => lines),
      server,
    )
    const heard = server.connections.map(({ receivedText }) => receivedText).join('')
    const traces = this.#household.traces(run)
    // A search that looked past the trace would prove nothing.
    if (heard.includes('CAPA')) expect(traces.get(this.#household.trace)).toContain(' C: CAPA\n')
    expect(leaks(traces, [CANARY], heard)).toEqual([])
  }

  #expectDeleted({ deleted, exit }: MailExpectation, letters: readonly Letter[]): void {
    const { maildrop } = this.#stage
    const all = exit === 0 ? letters.map(({ name }) => name) : []
    const heard = new Set(maildrop.log.deleted)
    expect([...heard].toSorted()).toEqual([...(deleted ?? all)].toSorted())
    const stored = storedIn(this.#household)
    for (const name of maildrop.log.gone) expect(stored).toContain(this.#digest(name))
  }

  /** No unique-id of the maildrop is bound twice with the same listed octets, and no message is there twice. */
  #expectEachOnce(): void {
    const { archive } = this.#household
    const receipts = query(
      archive,
      'SELECT account, unique_id, octets, occurrence FROM receipt WHERE unique_id IS NOT NULL',
    ).map((row) => JSON.stringify(Object.values(row)))
    expect(receipts.length).toBe(new Set(receipts).size)
    const stored = storedIn(this.#household)
    expect(stored.length).toBe(new Set(stored).size)
  }

  #digest(kept: string | Uint8Array): string {
    if (typeof kept !== 'string') return letter('', kept).digest
    const known = this.#stage.maildrop.known.get(kept)
    if (!known) throw new Error(`the case has no message ${kept}`)
    return known.digest
  }

  #serve(answer: Answer | undefined): Promise<ScriptedServer> {
    const { tls, pipelining, maildrop } = this.#stage
    const { capabilities = [] } = this.#case
    const usual = ['USER', 'UIDL', 'TOP', ...(pipelining ? ['PIPELINING'] : [])]
    const all =
      typeof capabilities === 'function' ? capabilities(usual) : [...usual, ...capabilities]
    const script = (connection: Parameters<Step>[0]) => maildrop.serve(connection, all, answer)
    return tls ? scriptedTlsServer(serverCertificates().tls, script) : scriptedServer(script)
  }

  #popkeep({ port }: ScriptedServer, args: readonly string[]): Promise<Run> {
    const household = this.#household
    const { tls, time } = this.#stage
    const password = household.given('password', `${CANARY}\n`)
    const how = tls ? ['--tls-ca', serverCertificates().certificates.ca] : ['--tls', 'none']
    return popkeepHere(
      [
        ...['sync', `${tls ? 'pops' : 'pop'}://me@127.0.0.1:${port}`, '--account', 'faulty'],
        ...['--archive', household.archive, '--trace', household.trace, '--json', '--verbose'],
        ...['--password-file', password, ...how, ...args],
      ],
      household.environment,
      time.now,
    )
  }
}
