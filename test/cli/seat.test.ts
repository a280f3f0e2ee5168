import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { limitOf, Seat } from '../../src/cli/seat.ts'
import { gate } from '../support/scripted-server.ts'

/** Lets everything run that waits for nothing but its turn. */
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
}

describe('Seat', () => {
  it('lets in as many as there are places, at the host first', async () => {
    const [host, jobs] = [limitOf(1), limitOf(2)]
    const [first, second, elsewhere] = [
      new Seat([host, jobs]),
      new Seat([host, jobs]),
      new Seat([limitOf(1), jobs]),
    ]
    const seated: string[] = []
    const take = async (seat: Seat, name: string) => {
      await seat.take()
      seated.push(name)
    }
    const taking = [take(first, 'first'), take(second, 'second'), take(elsewhere, 'elsewhere')]
    await turns()
    // The second of the host waits for that, and keeps no place from the other host.
    expect(seated).toEqual(['first', 'elsewhere'])
    first.give()
    first.give()
    await Promise.all(taking)
    expect(seated).toEqual(['first', 'elsewhere', 'second'])
  })

  it('is free for others while its owner waits, who comes back in turn', async () => {
    const jobs = limitOf(1)
    const [patient, other] = [new Seat([jobs]), new Seat([jobs])]
    const pause = gate()
    await patient.take()
    let isBack = false
    const waiting = patient
      .without(() => pause.opened)
      .then(() => {
        isBack = true
      })
    await other.take()
    pause.open()
    await turns()
    expect(isBack).toBe(false)
    other.give()
    await waiting
    expect(isBack).toBe(true)
  })

  it('stays given where the wait was interrupted', async () => {
    const jobs = limitOf(1)
    const [patient, other] = [new Seat([jobs]), new Seat([jobs])]
    await patient.take()
    const reason = new Error('interrupted')
    await expect(patient.without(() => Promise.reject(reason))).rejects.toBe(reason)
    await other.take()
    patient.give()
    const third = new Seat([jobs]).take().then(() => 'taken')
    expect(await Promise.race([third, nextTurn('waits')])).toBe('waits')
  })
})
