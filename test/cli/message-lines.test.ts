import { describe, expect, it } from 'vitest'
import { messageLine } from '../../src/cli/message-lines.ts'

const message = {
  id: 'abcdef0123456789',
  octets: 1200,
  date: '2026-11-23T05:25:00Z',
  archivedAt: '2026-11-23T05:25:00Z',
  sender: 'Paul <paul@example.org>',
  recipients: undefined,
  subject: 'A subject of some length',
  messageId: undefined,
  isShort: false,
  receipts: [],
}

/** Without the date, which depends on the time zone. */
const line = (width: number | undefined) =>
  messageLine(message, width).replace(/\d{4}-\d\d-\d\d \d\d:\d\d/, 'DATE')

describe('messageLine', () => {
  it.each([
    [undefined, 'abcdef01  DATE     1.2 kB  Paul                      A subject of some length\n'],
    [77, 'abcdef01  DATE     1.2 kB  Paul                      A subject o…\n'],
    [76, 'abcdef01  DATE     1.2 kB  A subject of some length\n'],
    [51, 'abcdef01  DATE     1.2 kB  A subject o…\n'],
    [50, 'abcdef01  DATE  A subject of some len…\n'],
    [40, 'abcdef01  DATE  A subject o…\n'],
  ])('in %s columns leaves room for the subject', (width, text) => {
    expect(line(width)).toBe(text)
  })
})
