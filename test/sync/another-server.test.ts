/** An account at another server: what was learned of the former one neither keeps a warning back nor excuses anything. */
import { describe, expect, it } from 'vitest'
import type { FakeMessage } from '../support/fake-maildrop.ts'
import { many, Rig } from '../support/sessions-rig.ts'
import { DELETE_ALL, mail } from '../support/sync-once.ts'

const here = { host: '127.0.0.1', port: 1110 }

const long = (name: string): FakeMessage => mail(name, name, 'a line\r\n'.repeat(40))

const estimated = (name: string, i: number): FakeMessage => {
  const message = long(name)
  return { ...message, listed: message.octets.length + ((i * 37) % 91) - 44 }
}

const cut = (message: FakeMessage): FakeMessage => ({
  ...message,
  handsOver: () => message.octets.subarray(0, message.octets.length >> 1),
})

describe.each([
  ['host', { host: 'pop.example.net', port: 1110 }],
  ['port', { host: '127.0.0.1', port: 1111 }],
])('an account at another %s', (_what, there) => {
  it('hears of EXPIRE 0 there too, and that session ends without QUIT', async () => {
    const moods = { capabilities: ['TOP', 'UIDL', 'EXPIRE 0'] }
    const rig = new Rig(many(3), moods)
    for (const [place, isNews] of [
      ...[[here, true] as const, [here, false] as const],
      ...[[there, true] as const, [there, false] as const],
    ]) {
      expect((await rig.run({ place })).error).toBeUndefined()
      expect(rig.of('notice').filter(({ code }) => code === 'EXPIRE')).toHaveLength(isNews ? 1 : 0)
      expect(rig.maildrop.ends.at(-1)).toBe(isNews ? 'closed' : 'QUIT')
    }
  })

  it.each([
    ['many', 25],
    ['five', 5],
  ])(
    'has a message left there that comes short among %s, though the former server estimated',
    async (_few, count) => {
      const rig = new Rig(Array.from({ length: 25 }, (_, i) => estimated(`old${i}`, i)))
      await rig.run({ place: here, policy: DELETE_ALL })
      expect(rig.facts.sizeModel).toBe('estimate')
      rig.maildrop.inner.messages = Array.from({ length: count }, (_, i) => {
        const message = long(`new${i}`)
        return i === 0 ? cut(message) : message
      })
      await rig.run({ place: there, policy: DELETE_ALL })
      expect(rig.maildrop.inner.messages.map(({ uniqueId }) => uniqueId)).toEqual(['new0'])
      expect(rig.facts.sizeModel).toBe('exact')
    },
  )

  it('has one left there that comes alone, also in a later run', async () => {
    const rig = new Rig(Array.from({ length: 25 }, (_, i) => estimated(`old${i}`, i)))
    await rig.run({ place: here, policy: DELETE_ALL })
    rig.maildrop.inner.messages = [cut(long('new0'))]
    await rig.run({ place: there, policy: DELETE_ALL })
    rig.maildrop.inner.messages.push(cut(long('new1')))
    await rig.run({ place: there, policy: DELETE_ALL })
    expect(rig.maildrop.inner.messages).toHaveLength(2)
  })
})
