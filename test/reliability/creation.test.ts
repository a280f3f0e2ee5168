/** Several runs that create one archive at the same instant, and leave it at the same instant: each waits its turn. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { digestsIn } from '../support/archive-content.ts'
import type { Finished } from '../support/popkeep.ts'
import { temporaryFolder } from '../support/temp.ts'
import { archiveOf, type Place, readableByOthers, unsettled } from './judgement.ts'
import { lettersOf, Maildrop } from './maildrop.ts'
import { launch, syncWords } from './program.ts'

/** What goes wrong here goes wrong in one round of many: POPKEEP_ROUNDS asks for more. */
const ROUNDS = Number(process.env.POPKEEP_ROUNDS ?? 2)

const TIMEOUT_MS = ROUNDS * 60_000

const RUNS = 5

interface Round {
  readonly place: Place
  readonly maildrop: Maildrop
  /** Starts a sync of `user`'s mail into the new archive. */
  start(user: string): Promise<Finished>
}

/** `play` with a new archive and one maildrop for all users; afterwards the archive is as if one run had made it. */
async function round(kind: Place['kind'], play: (on: Round) => Promise<void>): Promise<void> {
  const temporary = temporaryFolder('creation')
  const place = { kind, folder: join(temporary.path, 'archive') }
  mkdirSync(place.folder)
  const maildrop = new Maildrop(lettersOf(3))
  const server = await maildrop.serve()
  const [sync = '', , ...options] = syncWords(server.port, archiveOf(place), 'keep')
  const start = (user: string) => {
    const args = [sync, `pop://${user}@127.0.0.1:${server.port}`, ...options]
    return launch({ args, home: temporary.path }).finished
  }
  try {
    await play({ place, maildrop, start })
    await server.played()
    expect(digestsIn(archiveOf(place))).toEqual(maildrop.letters.map(({ digest }) => digest).sort())
    expect([...unsettled(place, maildrop, 'keep'), ...readableByOthers(place)]).toEqual([])
  } finally {
    await server.close()
    temporary.remove()
  }
}

const endOf = ({ code, stderr }: Finished) => ({ code, said: stderr.toString() })

describe.each(['sqlite', 'maildir'] as const)('five runs that create one archive, %s', (kind) => {
  it('store the mail of five accounts', { timeout: TIMEOUT_MS }, async () => {
    for (let number = 1; number <= ROUNDS; number += 1) {
      await round(kind, async ({ start }) => {
        const users = Array.from({ length: RUNS }, (_, index) => `user-${index}`)
        const ends = (await Promise.all(users.map(start))).map(endOf)
        expect({ number, ends }).toEqual({ number, ends: users.map(() => ({ code: 0, said: '' })) })
      })
    }
  })

  it('store the mail of one account, and four say so', { timeout: TIMEOUT_MS }, async () => {
    for (let number = 1; number <= ROUNDS / 2; number += 1) {
      await round(kind, async ({ maildrop, start }) => {
        // The server answers the one that has the account when the others have ended.
        let left = RUNS - 1
        let release = () => {}
        const released = new Promise<void>((resolve) => {
          release = resolve
        })
        maildrop.onStep = () => released
        const ends = await Promise.all(
          Array.from({ length: RUNS }, async () => {
            const end = endOf(await start('me'))
            left -= 1
            if (left === 0) release()
            return end
          }),
        )
        const codes = ends.map(({ code }) => code).sort()
        expect({ number, codes }).toEqual({ number, codes: [0, 75, 75, 75, 75] })
        for (const { code, said } of ends) {
          expect(said).toMatch(code === 0 ? /^$/ : /held by another run\. Try again/)
        }
      })
    }
  })
})
