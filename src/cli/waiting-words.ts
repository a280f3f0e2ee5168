import type { SyncEvent } from '../sync/ports/events.ts'

type Reason = Extract<SyncEvent, { type: 'waiting' }>['reason']

const WAITING_FOR: Readonly<Record<Reason, string>> = {
  pause: "for the server's pause",
  'in use': 'for another session to end',
  retry: 'to try again',
  locked: 'for another run to end',
}

/** "waits until 03:22:10 for the server's pause". */
export function waitingWords(until: string | undefined, reason: Reason): string {
  const limit = until === undefined ? '' : `until ${clockTime(until)} `
  return `waits ${limit}${WAITING_FOR[reason]}`
}

/** Hours, minutes and seconds of an RFC 3339 time, as the clock on the wall shows them. */
function clockTime(at: string): string {
  const time = new Date(at)
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()]
  return parts.map((part) => String(part).padStart(2, '0')).join(':')
}
