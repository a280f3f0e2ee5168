// The maildrops of the benchmark, filled when first asked for.
import { readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'

const { fillMaildir, mixedCorpus, smallCorpus } = await import('../test/support/corpus.ts')

const FULL = {
  ...{ small: 20_000, mixed: 5_000, peers: 1_000, listed: 100_000, few: 10, some: 5_000 },
  ...{ accounts: 100, each: 100 },
  ...{ hundred: 100, thousand: 1_000, myriad: 10_000 },
}
const QUICK = {
  ...{ small: 1_500, mixed: 150, peers: 30, listed: 5_000, few: 10, some: 1_000 },
  ...{ accounts: 16, each: 5 },
  ...{ hundred: 100, thousand: 300, myriad: 1_000 },
}

/** Each with some ten times as many as the one before it. */
const GROWING = ['few', 'hundred', 'thousand', 'myriad', 'listed']

/** At any scale. */
const FEWEST = 2

export class Maildrops {
  #filled = new Map()
  #maildirOf

  /** `scale`: a share of these sizes, to try the benchmark itself. */
  constructor({ isQuick, scale }) {
    const scaled = Object.entries(isQuick ? QUICK : FULL).map(([user, size]) => [
      user,
      Math.max(FEWEST, Math.round(size * scale)),
    ])
    this.sizes = Object.fromEntries(scaled)
  }

  /** All users, for the server's list of them. */
  get users() {
    return ['small', 'mixed', 'peers', 'some', ...GROWING, ...this.#accounts]
  }

  get #accounts() {
    return Array.from({ length: this.sizes.accounts }, (_, index) => `account${index}`)
  }

  /** Where the server has the Maildir of a user. */
  serve(maildirOf) {
    this.#maildirOf = maildirOf
  }

  of(user) {
    const messages = this.sizes[user] ?? this.sizes.each
    return this.#filled.get(user) ?? this.#fill(user, messages)
  }

  accounts() {
    return this.#accounts.map((user) => this.of(user))
  }

  *growing() {
    for (const user of GROWING) yield this.of(user)
  }

  #fill(user, messages) {
    if (messages > 1_000) console.error(`making ${messages} messages for ${user}`)
    const maildir = this.#maildirOf(user)
    const corpus = user === 'mixed' || user === 'peers' ? mixedCorpus : smallCorpus
    fillMaildir(maildir, corpus(messages))
    // A server moves what it has seen; better before the first run than within it.
    for (const name of readdirSync(join(maildir, 'new'))) {
      renameSync(join(maildir, 'new', name), join(maildir, 'cur', `${name}:2,`))
    }
    const filled = { user, messages, maildir }
    this.#filled.set(user, filled)
    return filled
  }
}
