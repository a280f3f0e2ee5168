/** What listed octets say: the case table of size-model.ts, and what must hold for any server and sample. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  isShort,
  type Measure,
  mayBeShort,
  modelOf,
  SAMPLE,
  type SizeModel,
} from '../../src/sync/size-model.ts'

const LINE = 40

/** A message of so many lines as a server of that kind lists it. */
function listedBy(model: SizeModel, lines: number, random = 0.5): Measure {
  const came = lines * LINE
  const lineEnds = lines
  switch (model) {
    case 'exact':
      return { listed: came, came, lineEnds }
    case '+2':
      return { listed: came, came: came + 2, lineEnds: lineEnds + 1 }
    case 'lf':
      return { listed: came - lines, came, lineEnds }
    case 'rounded':
      return { listed: Math.round(came / 1024) * 1024, came, lineEnds }
    case 'estimate':
      return { listed: Math.ceil(came * (0.5 + random)) + 3, came, lineEnds }
  }
}

/** The same message of which the server handed over no more than half. */
function halved({ listed, came, lineEnds = 0 }: Measure): Measure {
  return { listed, came: Math.floor(came / 2), lineEnds: Math.floor(lineEnds / 2) }
}

function sampleOf(model: SizeModel, count: number): Measure[] {
  // Never next to a multiple of 1024, but where that is the model.
  return Array.from({ length: count }, (_, i) => listedBy(model, 33 + i * 7, ((i * 7) % 10) / 10))
}

const exact = sampleOf('exact', SAMPLE)
const estimates = sampleOf('estimate', SAMPLE)

describe('modelOf', () => {
  it.each<[string, readonly Measure[], SizeModel | undefined, SizeModel | undefined]>([
    ['nothing', [], undefined, undefined],
    ['nothing, after exact', [], 'exact', 'exact'],
    ['one exact message', exact.slice(0, 1), undefined, 'exact'],
    ['20 exact messages', exact, undefined, 'exact'],
    ['20 messages with a line end more', sampleOf('+2', SAMPLE), undefined, '+2'],
    ['20 counted with LF', sampleOf('lf', SAMPLE), undefined, 'lf'],
    [
      '20 counted with LF, each with a line end more',
      sampleOf('lf', SAMPLE).map(({ listed, came, lineEnds = 0 }) => ({
        ...{ listed, came: came + 2, lineEnds: lineEnds + 1 },
      })),
      undefined,
      'lf',
    ],
    ['20 rounded ones', sampleOf('rounded', SAMPLE), undefined, 'rounded'],
    ['rounded to nothing', [{ listed: 0, came: 300, lineEnds: 9 }], undefined, 'rounded'],
    ['20 estimates', estimates, undefined, 'estimate'],
    ['all listed as 0', exact.map((m) => ({ ...m, listed: 0 })), undefined, 'estimate'],
    ['all listed as 2^40', exact.map((m) => ({ ...m, listed: 2 ** 40 })), undefined, 'estimate'],
    ['an empty file: 0 listed, a line end comes', [listedBy('+2', 0)], undefined, '+2'],
    ['four of which none fits', estimates.slice(0, 4), undefined, undefined],
    ['five of which none fits', estimates.slice(0, 5), undefined, 'estimate'],
    ['nineteen, all of them cut', exact.slice(0, 19).map(halved), undefined, undefined],
    ['twenty, all of them with less', exact.map(halved), undefined, 'estimate'],
    [
      'five, four of them cut',
      [...exact.slice(0, 4).map(halved), ...exact.slice(4, 5)],
      undefined,
      'exact',
    ],
    [
      '20, nine of them cut',
      [...exact.slice(0, 9).map(halved), ...exact.slice(9)],
      undefined,
      'exact',
    ],
    [
      '20, eleven of them somewhere else',
      [...estimates.slice(0, 11), ...exact.slice(11)],
      undefined,
      'estimate',
    ],
    ['19 cut ones, after exact', exact.slice(1).map(halved), 'exact', 'exact'],
    ['20 estimates, after exact', estimates, 'exact', 'estimate'],
    ['two counted with LF, after exact', sampleOf('lf', 2), 'exact', 'exact'],
    ['three counted with LF, after exact', sampleOf('lf', 3), 'exact', 'lf'],
    ['three exact ones, after estimate', exact.slice(0, 3), 'estimate', 'exact'],
    [
      'three exact ones and three others, after estimate',
      [...exact.slice(0, 3), ...estimates.slice(3, 6)],
      'estimate',
      'exact',
    ],
    [
      'three exact ones and four others, after estimate',
      [...exact.slice(0, 3), ...estimates.slice(3, 7)],
      'estimate',
      'estimate',
    ],
    [
      'three counted with LF and another, after exact',
      [...sampleOf('lf', 3), ...estimates.slice(3, 4)],
      'exact',
      'exact',
    ],
  ])('%s', (_, sample, known, model) => {
    expect(modelOf(sample, known)).toBe(model)
  })
})

describe('isShort', () => {
  const message = listedBy('exact', 50)
  const rounded = { listed: 2048, came: 1500, lineEnds: 40 }
  it.each<[string, SizeModel | undefined, Measure, boolean]>([
    ['what was listed', 'exact', message, false],
    ['an octet less', 'exact', { ...message, came: message.came - 1 }, true],
    ['an octet more', 'exact', { ...message, came: message.came + 1 }, false],
    ['half', 'exact', halved(message), true],
    ['half, of a server that nobody knows', undefined, halved(message), true],
    ['what may be rounded, of a server that nobody knows', undefined, rounded, false],
    ['what may be rounded', 'exact', rounded, true],
    ['what is rounded', 'rounded', rounded, false],
    ['1024 octets less, rounded', 'rounded', { ...rounded, came: 1024 }, true],
    ['half of an estimate', 'estimate', halved(message), false],
    ['what was listed, where a line end is added', '+2', message, false],
    [
      'an octet less, where a line end is added',
      '+2',
      { ...message, came: message.came - 1 },
      true,
    ],
    ['counted with LF', 'lf', listedBy('lf', 50), false],
    [
      'counted with LF, a line less',
      'lf',
      { ...listedBy('lf', 50), came: 49 * LINE, lineEnds: 49 },
      true,
    ],
    ['more than listed, yet a line less', 'lf', { listed: 1000, came: 1010, lineEnds: 30 }, true],
    ['counted exactly by a server that counts LF', 'lf', message, false],
    ['a line end more, of such a server', 'lf', listedBy('+2', 50), false],
    ['anything, listed as 0', 'exact', { listed: 0, came: 0, lineEnds: 0 }, false],
    ['anything, listed as 2^40', 'exact', { ...message, listed: 2 ** 40 }, true],
  ])('%s', (_, model, measure, short) => {
    expect(isShort(model, measure)).toBe(short)
  })

  const models = fc.constantFrom<SizeModel>('exact', '+2', 'lf', 'rounded', 'estimate')
  const lines = fc.integer({ min: 1, max: 2000 })
  const random = fc.double({ min: 0, max: 1, noNaN: true })
  const messages = fc.array(fc.tuple(lines, random), { minLength: 1, maxLength: 40 })

  it('never finds fault with a server that keeps to its model, and finds halves', () => {
    fc.assert(
      fc.property(models, messages, (server, all) => {
        const measures = all.map(([count, r]) => listedBy(server, count, r))
        const model = modelOf(measures.slice(0, SAMPLE))
        // Few estimates look like messages that were cut.
        if (server === 'estimate' && model !== 'estimate') return
        for (const measure of measures) expect(isShort(model, measure)).toBe(false)
        if (server === 'estimate' || server === 'rounded') return
        for (const measure of measures) {
          if (measure.came < 8) continue
          expect(isShort(model, halved(measure))).toBe(true)
          expect(mayBeShort(halved(measure))).toBe(true)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('has seen by the strictest model what any model finds short', () => {
    const any = fc.record({
      listed: fc.integer({ min: 0, max: 4096 }),
      came: fc.integer({ min: 0, max: 4096 }),
      lineEnds: fc.integer({ min: 0, max: 60 }),
    })
    fc.assert(
      fc.property(models, any, (model, measure) => {
        if (isShort(model, measure)) expect(mayBeShort(measure)).toBe(true)
        if (measure.came - measure.lineEnds >= measure.listed) {
          expect(isShort(model, measure)).toBe(false)
        }
      }),
    )
  })
})
