import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A login as Dovecot's authentication saw it. */
export interface LoginAttempt {
  /** As SASL names it. USER with PASS is `PLAIN` here. */
  readonly mechanism: string
  /** Empty where the attempt ended before a user was named. */
  readonly user: string
  /** Undefined: given up, or not over yet. */
  readonly ok: boolean | undefined
}

/** The log is written by another process: it may lag behind an answer, by much on a busy machine. */
const MAX_READS = 400
const READ_INTERVAL_MS = 25

/**
 * Reads attempts from a log with `auth_debug = yes`. To know that the log is complete, an attempt of our own is begun and
 * awaited there: the lines of the authentication process come in order.
 */
export class DovecotLog {
  readonly #path: string
  readonly #port: number
  readonly #mechanism: string
  #taken = 0

  /** `port` accepts clear text and offers `mechanism`. */
  constructor(path: string, port: number, mechanism: string) {
    this.#path = path
    this.#port = port
    this.#mechanism = mechanism
  }

  /** The attempts since the last call, in their order. */
  async attempts(): Promise<readonly LoginAttempt[]> {
    const from = this.text().length
    const mark = await this.#mark()
    for (let read = 1; read <= MAX_READS; read++) {
      const text = this.text()
      // Not in what was there before: ports come back.
      const distance = text.slice(from).search(mark)
      if (distance >= 0) {
        const news = text.slice(this.#taken, from + distance)
        this.#taken = text.indexOf('\n', from + distance)
        return attemptsIn(news)
      }
      await pause(READ_INTERVAL_MS)
    }
    throw new Error(`dovecot's log does not show our own attempt:\n${this.text()}`)
  }

  /** Everything that was logged so far. */
  text(): string {
    return readFileSync(this.#path, 'utf8')
  }

  /** Begins a login, gives it up once the authentication has it; finds its line. */
  async #mark(): Promise<RegExp> {
    const socket = connect(this.#port, '127.0.0.1')
    await once(socket, 'data')
    // The whole line, so that the next call begins behind it.
    const mark = new RegExp(
      `.*client in: AUTH\\t.*\\tlport=${this.#port}\\trport=${socket.localPort}\\b.*\\n`,
    )
    socket.write(`AUTH ${this.#mechanism.toUpperCase()}\r\n`)
    await once(socket, 'data')
    socket.destroy()
    return mark
  }
}

function attemptsIn(text: string): readonly LoginAttempt[] {
  const attempts: { id: string; mechanism: string; user: string; ok: boolean | undefined }[] = []
  for (const line of text.split('\n')) {
    const begun = /client in: AUTH\t(\d+)\t([^\t]+)/.exec(line)
    if (begun)
      attempts.push({ id: begun[1] ?? '', mechanism: begun[2] ?? '', user: '', ok: undefined })
    const ended = /client passdb out: (OK|FAIL)\t(\d+)(?:\tuser=([^\t]*))?/.exec(line)
    // Each connection counts its attempts from 1 on.
    const attempt = attempts.findLast(({ id, ok }) => id === ended?.[2] && ok === undefined)
    if (!ended || !attempt) continue
    attempt.ok = ended[1] === 'OK'
    attempt.user = ended[3] ?? ''
  }
  return attempts.map(({ mechanism, user, ok }) => ({ mechanism, user, ok }))
}
