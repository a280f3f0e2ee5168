import { describe, expect, it } from 'vitest'
import { FakeMaildrop, type FakeMessage, Fuse } from '../support/fake-maildrop.ts'
import { MemoryArchive } from '../support/memory-archive.ts'
import { DELETE_ALL, mail, sent, syncOnce } from '../support/sync-once.ts'

const twenty = Array.from({ length: 20 }, (_, i) => mail(`u${i}`, `s${i}`))

/** The same messages under unique-ids that were never there. */
function renumbered(messages: readonly FakeMessage[], prefix = 'new'): FakeMessage[] {
  return messages.map(({ octets }, i) => ({ uniqueId: `${prefix}${i}`, octets }))
}

/** As some servers write into what they hand over: other octets, the same mail. */
function read({ uniqueId, octets }: FakeMessage): FakeMessage {
  return { uniqueId, octets: Buffer.concat([Buffer.from('Status: RO\r\n'), octets]) }
}

/** What was said of a renumbering in one run. */
function notices(events: Awaited<ReturnType<typeof syncOnce>>['events']): readonly string[] {
  return events.flatMap((e) => (e.type === 'notice' && e.code === 'RENUMBERED' ? [e.text] : []))
}

async function kept(messages: FakeMessage[], options = {}) {
  const archive = new MemoryArchive()
  const maildrop = new FakeMaildrop([...messages], options)
  await syncOnce(maildrop, archive)
  return { archive, maildrop }
}

describe('a server that renumbered', () => {
  it('costs header sections, no retrieval, and one line of talk; the next run nothing', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = [mail('x', 'arrived since'), ...renumbered(twenty)]
    const { events, counts, known } = await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(sent(maildrop, 'TOP')).toHaveLength(20)
    expect([counts.stored, known]).toEqual([1, 20])
    expect(notices(events)).toEqual([
      'the server renumbered its unique-ids: 20 recognised by header, 1 to retrieve',
    ])
    const steady = await syncOnce(maildrop, archive)
    expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
    expect(notices(steady.events)).toEqual([])
    expect(steady.known).toBe(21)
  })

  it('binds each row to a receipt of its own; the former ones are absent', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = renumbered(twenty)
    await syncOnce(maildrop, archive)
    const receipts = archive.accounts[0]!.receipts
    expect(receipts).toHaveLength(40)
    for (const { uniqueId = '', absent, boundBy, message } of receipts) {
      const isNew = uniqueId.startsWith('new')
      expect({ uniqueId, absent, boundBy, message }).toEqual({
        uniqueId,
        absent: !isNew,
        boundBy: isNew ? 'fingerprint' : 'digest',
        message: Number(uniqueId.replace(/\D+/, '')) + 1,
      })
    }
  })

  it('may renumber again, and back', async () => {
    const { archive, maildrop } = await kept(twenty)
    for (const messages of [renumbered(twenty), renumbered(twenty, 'third'), twenty]) {
      maildrop.messages = [...messages].reverse()
      const { known } = await syncOnce(maildrop, archive)
      expect(known).toBe(20)
      expect(sent(maildrop, 'RETR')).toEqual([])
    }
    expect(archive.contents()).toHaveLength(20)
  })

  it('is recognised where new unique-ids are the old ones of other messages', async () => {
    const uneven = twenty.map(({ uniqueId }, i) => mail(uniqueId, `s${i}`, 'x'.repeat(i)))
    const { archive, maildrop } = await kept(uneven)
    maildrop.messages = uneven.map(({ octets }, i) => ({ uniqueId: `u${(i + 7) % 20}`, octets }))
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
    await syncOnce(maildrop, archive)
    expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
  })

  it('is recognised behind an empty listing, as its mail follows it later', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = []
    await syncOnce(maildrop, archive)
    maildrop.messages = renumbered(twenty)
    const { events } = await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
    expect(notices(events)).toHaveLength(1)
  })

  it('is recognised at another host', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = renumbered(twenty)
    const { events } = await syncOnce(maildrop, archive, { host: 'pop.example.net' })
    expect(sent(maildrop, 'RETR')).toEqual([])
    expect(events).toContainEqual(
      expect.objectContaining({ code: 'MOVED', text: expect.stringContaining('holds the') }),
    )
    expect(notices(events)).toHaveLength(1)
  })

  it('has its mail retrieved, and stored once, where there is no TOP', async () => {
    const { archive, maildrop } = await kept(twenty, { hasTop: false })
    maildrop.messages = renumbered(twenty).map(read)
    const { counts } = await syncOnce(maildrop, archive)
    expect(counts).toMatchObject({ retrieved: 20, stored: 0 })
    expect(archive.contents()).toHaveLength(20)
  })

  it('has its mail stored once where it writes into each message, wherever a run breaks off', async () => {
    for (let step = 4; step < 60; step++) {
      const { archive, maildrop } = await kept(twenty)
      maildrop.messages = [mail('x', 'arrived since'), ...renumbered(twenty).map(read)]
      maildrop.fuse = new Fuse(step)
      archive.fuse = maildrop.fuse
      await syncOnce(maildrop, archive)
      maildrop.fuse = new Fuse()
      archive.fuse = undefined
      const { error } = await syncOnce(maildrop, archive)
      expect([step, error, archive.contents().length]).toEqual([step, undefined, 21])
    }
  })

  it('is recognised bit by bit', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = twenty.slice(0, 3)
    await syncOnce(maildrop, archive)
    for (const count of [1, 8, 20]) {
      maildrop.messages = renumbered(twenty).slice(0, count)
      await syncOnce(maildrop, archive)
      expect(sent(maildrop, 'RETR')).toEqual([])
    }
  })

  it('costs no header section once all is recognised, whatever arrives', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = renumbered(twenty)
    await syncOnce(maildrop, archive)
    maildrop.messages.push(mail('x', 's8', 'TEXT'))
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP'), sent(maildrop, 'RETR')]).toEqual([[], ['RETR 21']])
  })

  it('is expected to show old mail for 30 days', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = twenty.slice(0, 3)
    await syncOnce(maildrop, archive)
    archive.now = 31 * 24 * 3600 * 1000
    maildrop.messages = renumbered(twenty)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toHaveLength(20)
    expect(archive.contents()).toHaveLength(20)
  })

  it.each(Array.from({ length: 35 }, (_, i) => i + 1))(
    'loses and doubles nothing, nor forgets that it renumbered, if the run is killed at step %i',
    async (step) => {
      const { archive, maildrop } = await kept(twenty)
      maildrop.messages = [
        ...twenty.slice(0, 9),
        ...renumbered(twenty.slice(9)),
        mail('x', 'arrived since'),
      ]
      maildrop.fuse = new Fuse(step)
      archive.fuse = maildrop.fuse
      await syncOnce(maildrop, archive)
      maildrop.fuse = new Fuse()
      archive.fuse = undefined
      const { error } = await syncOnce(maildrop, archive)
      expect(error).toBeUndefined()
      expect(sent(maildrop, 'RETR').length).toBeLessThanOrEqual(1)
      expect(archive.contents()).toHaveLength(21)
      await syncOnce(maildrop, archive)
      expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
    },
  )

  it('has what two headers cannot tell apart retrieved', async () => {
    const alike = [mail('a', 'alike', 'one'), mail('b', 'alike', 'two')]
    const { archive, maildrop } = await kept([...twenty, ...alike])
    maildrop.messages = renumbered([...twenty, ...alike])
    const { counts } = await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 21', 'RETR 22'])
    expect(counts.stored).toBe(0)
  })

  it('has a row that fits two messages retrieved', async () => {
    const alike = [mail('a', 'alike', 'one'), mail('b', 'alike', 'two')]
    const { archive, maildrop } = await kept([...twenty, ...alike])
    maildrop.messages = renumbered([...twenty, mail('c', 'alike', 'two')])
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 21'])
    expect(archive.contents()).toHaveLength(22)
  })

  it('has a second row with the header of one known message retrieved', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = [...renumbered(twenty), mail('x', 's3', 'TEXT')]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 4', 'RETR 21'])
    expect(archive.contents()).toHaveLength(21)
  })

  it('has each message retrieved and compared before it is deleted', async () => {
    const { archive, maildrop } = await kept(twenty)
    // The same header section and size, but not the same message: only the octets tell.
    const other = mail('new3', 's3', 'TEXT')
    maildrop.messages = renumbered(twenty).with(3, other)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(sent(maildrop, 'RETR')).toHaveLength(20)
    expect(archive.contents()).toHaveLength(21)
    expect(archive.contents()).toContain(Buffer.from(other.octets).toString('latin1'))
    expect(maildrop.messages).toEqual([])
  })

  it('has it compared also in the run that finds the server renumbered', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = renumbered(twenty).with(3, mail('new3', 's3', 'TEXT'))
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(sent(maildrop, 'RETR')).toHaveLength(20)
    expect(archive.contents()).toHaveLength(21)
    expect(maildrop.messages).toEqual([])
  })
})

describe('a listing that only looks renumbered', () => {
  const others = Array.from({ length: 20 }, (_, i) => mail(`v${i}`, `t${i}`))

  it('costs five header sections where a server shows another part', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = [...others]
    const { events } = await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'TOP')).toHaveLength(5)
    expect(archive.contents()).toHaveLength(40)
    expect(notices(events)).toEqual([])
  })

  it('costs none where the server is known to show parts', async () => {
    const { archive, maildrop } = await kept(twenty)
    archive.accounts[0]!.facts = { showsParts: true }
    maildrop.messages = [...others]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'TOP')).toEqual([])
  })

  it('costs none where no size is that of a message that is missing', async () => {
    const { archive, maildrop } = await kept(twenty)
    maildrop.messages = [mail('v', 'a longer subject')]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'TOP')).toEqual([])
  })

  it.each([
    ['half of ten are there', 10, 5, []],
    ['fewer than half of ten are there', 10, 4, ['TOP 5']],
    ['none of nine is there', 9, 0, []],
  ])('%s', async (_, before, still, asked) => {
    const { archive, maildrop } = await kept(twenty.slice(0, before))
    maildrop.messages = [...twenty.slice(0, still), mail('v', 's8')]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'TOP')).toEqual(asked)
  })

  it('does not count what we deleted', async () => {
    const { archive, maildrop } = await kept(twenty)
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    maildrop.messages = others.slice(0, 3)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'TOP')).toEqual([])
  })
})

describe('unique-ids told apart by suffixes', () => {
  const [x, y] = [mail('x', 'copied'), mail('y', 'other')]

  it('are retrieved when a copy arrives beside the first: it may differ in its text', async () => {
    const { archive, maildrop } = await kept([x, y])
    const others = Array.from({ length: 9 }, (_, i) => mail(`x-${i + 2}`, 'copied', `tex${i}`))
    maildrop.messages = [x, ...others, y]
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP'), sent(maildrop, 'RETR').length]).toEqual([[], 9])
    expect(archive.contents()).toHaveLength(11)
    await syncOnce(maildrop, archive)
    expect([...sent(maildrop, 'TOP'), ...sent(maildrop, 'RETR')]).toEqual([])
  })

  it('are retrieved where two fit one message, or one fits a message that is listed', async () => {
    const listed = mail('x-3', 'copied', 'TEXT')
    const { archive, maildrop } = await kept([x, listed, mail('x-5', 'gone', 'longer text')])
    const twins = ['lonGer text', 'longEr text'].map((text, i) => mail(`x-${i + 6}`, 'gone', text))
    maildrop.messages = [listed, mail('x-4', 'copied', 'teXt'), ...twins]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2', 'RETR 3', 'RETR 4'])
    expect(archive.contents()).toHaveLength(6)
  })

  it('are recognised when a copy went and the others moved up', async () => {
    const copies = ['x', 'x-2', 'x-3'].map((uniqueId, i) => mail(uniqueId, 'copy', 'b'.repeat(i)))
    const { archive, maildrop } = await kept([...twenty, ...copies])
    const [, second, third] = copies
    maildrop.messages = [...twenty, { ...second!, uniqueId: 'x' }, { ...third!, uniqueId: 'x-2' }]
    await syncOnce(maildrop, archive)
    expect([sent(maildrop, 'TOP').length, sent(maildrop, 'RETR')]).toEqual([2, []])
    const now = archive.accounts[0]!.receipts.slice(-2)
    expect(now.map(({ uniqueId, message }) => [uniqueId, message])).toEqual([
      ['x', 22],
      ['x-2', 23],
    ])
  })

  it.each([
    ['another header', [x], mail('x-2', 'decoy!')],
    ['other octets', [x], mail('x-2', 'copied', 'texts')],
    ['no copy without suffix', [{ ...x, uniqueId: 'x-7' }], { ...x, uniqueId: 'x-8' }],
    ['no copy in the archive', [y], { ...x, uniqueId: 'x-2' }],
  ])('but retrieved: %s', async (_, before, arrived) => {
    const { archive, maildrop } = await kept(before)
    maildrop.messages.push(arrived)
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2'])
  })

  it('are retrieved again where that failed before', async () => {
    const { archive, maildrop } = await kept([x, { ...y, uniqueId: 'x-2' }], {
      refuses: new Set([2]),
    })
    maildrop.options = {}
    maildrop.messages = [x, { ...x, uniqueId: 'x-2' }]
    Object.assign(archive.accounts[0]!.receipts[1]!, { octets: x.octets.length })
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 2'])
  })

  it('are retrieved and compared before one is deleted', async () => {
    const { archive, maildrop } = await kept([x, mail('x-2', 'second')])
    maildrop.messages = [mail('x', 'second', 'TEXT')]
    await syncOnce(maildrop, archive)
    expect(sent(maildrop, 'RETR')).toEqual([])
    await syncOnce(maildrop, archive, { policy: DELETE_ALL })
    expect(sent(maildrop, 'RETR')).toEqual(['RETR 1'])
    expect(archive.contents()).toHaveLength(3)
  })
})
