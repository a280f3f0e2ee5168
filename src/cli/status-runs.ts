/** How the syncs of an account ended: the last good one, and what has failed since. */
import type { AccountStatus, RunSummary } from '../archive/reader-status.ts'
import { counted } from './columns.ts'
import { endingOf, outcomeText } from './exit-codes.ts'
import { localMinute } from './message-lines.ts'

type Runs = Pick<
  AccountStatus,
  'lastRun' | 'lastGoodRun' | 'lastFailedRun' | 'failingSince' | 'failedRuns'
>

/** The keys of `status --json` about runs. All of them are there each time; what is not known is null. */
export function runsRecord(runs: Runs): object {
  const { lastRun, lastGoodRun, lastFailedRun, failingSince, failedRuns } = runs
  const outcome = lastFailedRun?.outcome
  return {
    lastRun: runRecord(lastRun),
    lastGoodRun: runRecord(lastGoodRun),
    lastFailedRun:
      lastFailedRun && outcome !== undefined
        ? {
            ...runRecord(lastFailedRun),
            exit: endingOf(outcome).exit,
            message: outcomeText(outcome),
          }
        : null,
    failingSince: failingSince ?? null,
    failedRuns,
  }
}

function runRecord(run: RunSummary | undefined): object | null {
  if (run === undefined) return null
  const { startedAt, endedAt = null, outcome = null, ...counts } = run
  return { startedAt, endedAt, outcome, ...counts }
}

/** A line each: the last good sync, what fails since then, and a later one that ended in another way. `now`: ms. */
export function runLines(runs: Runs, now: number): readonly string[] {
  const { lastRun, lastGoodRun, lastFailedRun, failedRuns } = runs
  if (lastRun === undefined) return ['never synced']
  const good = lastGoodRun
    ? `last good sync: ${whenText(lastGoodRun, now)}: ${countsText(lastGoodRun)}`
    : 'no good sync yet'
  return [
    good,
    ...(failedRuns > 0 && lastFailedRun ? [failureText(runs, lastFailedRun, now)] : []),
    ...(isToldOf(runs, lastRun)
      ? []
      : [`last sync: ${whenText(lastRun, now)}: ${endText(lastRun)}`]),
  ]
}

/** Whether the lines on good and failed ones speak of it. */
function isToldOf({ lastGoodRun, lastFailedRun }: Runs, { startedAt, outcome }: RunSummary) {
  return [lastGoodRun, lastFailedRun].some(
    (run) => run?.startedAt === startedAt && run.outcome === outcome,
  )
}

function failureText({ failingSince = '', failedRuns }: Runs, last: RunSummary, now: number) {
  const { outcome = '', listed } = last
  const which =
    failedRuns === 1
      ? `failed: ${whenText(last, now)}`
      : `failing since ${localMinute(failingSince)}, ${counted(failedRuns, 'sync')}; the last: ${whenText(last, now)}`
  const what = listed > 0 ? `${countsText(last)}; ` : ''
  return `${which}: ${what}${outcomeText(outcome)}`
}

function endText(run: RunSummary): string {
  const { outcome } = run
  if (outcome === undefined) return 'did not end: still running, killed, or the disk failed'
  return `${countsText(run)}; ${outcomeText(outcome)}`
}

function countsText({ stored, listed }: RunSummary): string {
  return `${counted(stored, 'new message')} of ${listed.toLocaleString('en-US')} listed`
}

function whenText({ startedAt }: RunSummary, now: number): string {
  const ago = agoText(now - Date.parse(startedAt))
  return `${localMinute(startedAt)}${ago === '' ? '' : `, ${ago}`}`
}

const UNITS = [
  ['day', 24 * 3600_000],
  ['hour', 3600_000],
  ['minute', 60_000],
] as const

/** `3 days ago`; empty for a time that has not come yet, as behind a clock that was set back. */
function agoText(ms: number): string {
  if (!(ms >= 0)) return ''
  const unit = UNITS.find(([, length]) => ms >= length)
  return unit === undefined ? 'just now' : `${counted(Math.floor(ms / unit[1]), unit[0])} ago`
}
