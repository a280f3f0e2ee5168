import type { MessageSummary } from '../archive/reader-list.ts'
import { type Address, parseAddresses } from '../message/addresses.ts'
import { cut, humanOctets, padded } from './columns.ts'
import { jsonLine, safe } from './safe.ts'

/** So many digits of a digest stand for a message; `show` takes them. */
export const SHORT_ID = 8
const DATE_WIDTH = 16
const SIZE_WIDTH = 9
const SENDER_WIDTH = 24
const GAP = '  '
/** Columns that a subject has at least before others make room. */
const SUBJECT_ROOM = 12

/** The message as the contract of `list --json` has it. What it does not say is null. */
export function messageJson(message: MessageSummary): string {
  const { id, octets, date, sender, recipients, subject, messageId, receipts, isShort } = message
  return jsonLine({
    id,
    octets,
    date: date ?? null,
    from: addressesOf(sender),
    to: addressesOf(recipients),
    subject: subject ?? null,
    messageId: messageId ?? null,
    short: isShort,
    receipts: receipts.map(({ account, uniqueId }) => ({ account, uniqueId: uniqueId ?? null })),
  })
}

/**
 * Id, date, size, sender, subject in columns; cut to `width` where a terminal has one. On a narrow one the sender goes
 * first, then the size, so that there is room for the subject. Times are local. Before the subject of a short message
 * stands "(short)".
 */
export function messageLine(message: MessageSummary, width: number | undefined): string {
  const [from] = addressesOf(message.sender)
  const room = (width ?? Number.POSITIVE_INFINITY) - SUBJECT_ROOM
  const hasSize = room >= SHORT_ID + DATE_WIDTH + SIZE_WIDTH + 3 * GAP.length
  const hasSender = room >= SHORT_ID + DATE_WIDTH + SIZE_WIDTH + SENDER_WIDTH + 4 * GAP.length
  const line = [
    message.id.slice(0, SHORT_ID),
    padded(message.date === undefined ? '' : localMinute(message.date), DATE_WIDTH),
    ...(hasSize ? [humanOctets(message.octets).padStart(SIZE_WIDTH)] : []),
    ...(hasSender ? [padded(safe(from?.name || from?.address || ''), SENDER_WIDTH)] : []),
    `${message.isShort ? '(short) ' : ''}${safe(message.subject ?? '')}`,
  ].join(GAP)
  return `${width === undefined ? line.trimEnd() : cut(line, width).trimEnd()}\n`
}

/** `2026-11-23 05:25`, in the time zone of the reader. */
export function localMinute(date: string): string {
  const at = new Date(date)
  const two = (part: number): string => String(part).padStart(2, '0')
  const day = `${String(at.getFullYear()).padStart(4, '0')}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`
}

function addressesOf(text: string | undefined): readonly Address[] {
  return text === undefined ? [] : parseAddresses(text)
}
