import type { SyncEvent } from '../sync/ports/events.ts'
import { AccountProgress } from './account-progress.ts'
import type { Stream } from './output.ts'

/** What a person sees of a run while it goes on. */
export interface ProgressDisplay {
  take(event: SyncEvent): void
  /** Prints a line above the bars. The line must be safe. */
  say(line: string): void
  /** The account ended: its bar goes. */
  remove(account: string): void
  /** Clears what was drawn and gives the cursor back. */
  stop(): void
}

/**
 * Around a line above bars: these are drawn with autowrap off, which would cut a long line at the right edge. What is below
 * goes first: at the edge, ESC [ K behind the line would take its last character.
 */
const LINE_BEGIN = '\x1b[J\x1b[?7h'
const LINE_END = '\x1b[?7l\n'

/** No bars: lines go straight to the stream. */
export function plainDisplay(stderr: Stream): ProgressDisplay {
  return {
    take: () => undefined,
    say: (line) => void stderr.write(`${line}\n`),
    remove: () => undefined,
    stop: () => undefined,
  }
}

/** Where the stream is no terminal: between two lines of an account, in ms. */
const LINE_MS = 2000

/** One bar an account in work: drawn ten times a second on a terminal, else a line now and then, where it says something else. */
export async function barDisplay(stderr: Stream, now: () => number): Promise<ProgressDisplay> {
  return stderr.isTTY ? await movingBars(stderr, now) : barLines(stderr, now)
}

function barLines(stderr: Stream, now: () => number): ProgressDisplay {
  const accounts = new Map<string, { readonly progress: AccountProgress; told: string }>()
  const tell = (): void => {
    for (const entry of accounts.values()) {
      const line = entry.progress.line(80, now())
      if (line !== entry.told) stderr.write(`${line}\n`)
      entry.told = line
    }
  }
  const timer = setInterval(tell, LINE_MS).unref()
  return {
    ...plainDisplay(stderr),
    take(event) {
      const entry = accounts.get(event.account) ?? {
        progress: new AccountProgress(event.account),
        told: '',
      }
      accounts.set(event.account, entry)
      entry.progress.take(event, now())
    },
    remove: (account) => void accounts.delete(account),
    stop: () => clearInterval(timer),
  }
}

async function movingBars(stderr: Stream, now: () => number): Promise<ProgressDisplay> {
  const { MultiBar } = await import('cli-progress').then((module) => module.default)
  const bars = new MultiBar({
    stream: stderr,
    clearOnComplete: true,
    hideCursor: true,
    // An unchanged bar must still be drawn anew where a line above it moved it.
    forceRedraw: true,
    // Signals belong to interruption.ts.
    gracefulExit: false,
    format: (_options, { maxWidth }, payload: { readonly account: AccountProgress }) =>
      // One column less: ESC [ K behind a line that reaches the edge takes its last character.
      payload.account.line((maxWidth ?? 80) - 1, now()),
  })
  // At the old width a line may reach over the edge, until the next turn of the clock.
  const redraw = (): void => {
    if (accounts.size > 0) bars.update()
  }
  stderr.on('resize', redraw)
  const accounts = new Map<
    string,
    { readonly account: AccountProgress; readonly bar: ReturnType<typeof bars.create> }
  >()
  return {
    take(event) {
      let entry = accounts.get(event.account)
      if (!entry) {
        const account = new AccountProgress(event.account)
        entry = { account, bar: bars.create(1, 0, { account }) }
        accounts.set(event.account, entry)
      }
      entry.account.take(event, now())
    },
    say(line) {
      if (accounts.size === 0) stderr.write(`${line}\n`)
      else bars.log(`${LINE_BEGIN}${line}${LINE_END}`)
    },
    remove(account) {
      const entry = accounts.get(account)
      if (!entry) return
      bars.remove(entry.bar)
      accounts.delete(account)
      if (accounts.size === 0) bars.stop()
    },
    stop() {
      stderr.off('resize', redraw)
      // Bars that are not drawn must not be cleared: that would clear what stands below.
      if (accounts.size === 0) return
      bars.update()
      bars.stop()
      accounts.clear()
    },
  }
}
