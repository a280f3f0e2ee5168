import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseMailDate } from '../../src/message/mail-date.ts'

describe('a mail date', () => {
  it.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06Z'],
    ['21 Nov 49 00:00:00 GMT', '2049-11-21T00:00:00Z'],
    ['21 Nov 102 00:00:00 GMT', '2002-11-21T00:00:00Z'],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', null],
    ['Thu, 13 Feb 1969 23:32 -0330', null],
    ['1 Jan 1970 00:00:00 +0000', '1970-01-01T00:00:00Z'],
    ['1 Jan 1970 00:00:00 +0100', null],
    ['31 Dec 2100 23:59:59 +0000', '2100-12-31T23:59:59Z'],
    ['1 Jan 2101 00:00:00 +0000', null],
    ['Mon, 1 Jan 2001 12:30 EST', '2001-01-01T17:30:00Z'],
    ['Mon, 1 Jan 2001 12:30:00 Z', '2001-01-01T12:30:00Z'],
    ['Mon, 1 Jan 2001 12:30:00 A', '2001-01-01T12:30:00Z'],
    ['Mon, 1 Jan 2001 12:30:00 XYZ', '2001-01-01T12:30:00Z'],
    ['Mon, 1 Jan 2001 12:30:00', '2001-01-01T12:30:00Z'],
    ['Mon, 1 Jan 2001 12:30:00 -0000', '2001-01-01T12:30:00Z'],
    ['Wed, 16 Jul 1997 17:31:08 +0400 (MSD)', '1997-07-16T13:31:08Z'],
    ['Wed, 16 Jul 1997 17:31:08 MSD', '1997-07-16T13:31:08Z'],
    ['Wed, 16 Jul 1997 17:31:08 (MSD)', '1997-07-16T13:31:08Z'],
    ['(a (nested) one) Wed,16 Jul 1997 17:31:08+0400', '1997-07-16T13:31:08Z'],
    ['Wed, 16 July 1997 17:31:08 GMT+0400', '1997-07-16T13:31:08Z'],
    ['Wednesday, 16-Jul-97 17:31:08 UTC', '1997-07-16T17:31:08Z'],
    ['Wed Jul 16 17:31:08 1997', '1997-07-16T17:31:08Z'],
    ['Wed Jul 16 17:31:08 MSD 1997', '1997-07-16T13:31:08Z'],
    ['Wed Jul 16 17:31:08 1997 +0400', '1997-07-16T13:31:08Z'],
    ['Sat, 31 Dec 2016 23:59:60 +0000', '2016-12-31T23:59:59Z'],
    ['29 Feb 2000 00:00:00 +0000', '2000-02-29T00:00:00Z'],
    ['29 Feb 2001 00:00:00 +0000', null],
    ['0 Jan 2001 00:00:00 +0000', null],
    ['1 Foo 2001 00:00:00 +0000', null],
    ['1 Jan 2001 24:00:00 +0000', null],
    ['1 Jan 2001 00:60:00 +0000', null],
    ['1 Jan 2001 00:00:00 +9900', null],
    ['1 Jan 2001', null],
    ['', null],
    ['yesterday', null],
    ['(1 Jan 2001 00:00:00 +0000', null],
    ['1 Jan 2001 00:00:00 +0000'.padEnd(256), '2001-01-01T00:00:00Z'],
    ['1 Jan 2001 00:00:00 +0000'.padEnd(257), null],
  ])('%j is %j', (body, date) => {
    expect(parseMailDate(body)).toBe(date)
  })

  it('reads what Date writes', () => {
    const plausible = fc.date({
      min: new Date('1970-01-01T00:00:00Z'),
      max: new Date('2100-12-31T23:59:59Z'),
      noInvalidDate: true,
    })
    fc.assert(
      fc.property(plausible, (date) => {
        expect(parseMailDate(date.toUTCString())).toBe(`${date.toISOString().slice(0, 19)}Z`)
      }),
    )
  })

  it('never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'0123456789 :+-,()JanGMT') }), (text) => {
        expect(parseMailDate(text)).toSatisfy(
          (date) => date === null || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(date),
        )
      }),
    )
  })
})
