// New mail: everything is retrieved into an empty folder, at once (F1, F2, F3) and over a wire of 50 ms (F4).
import {
  fetchmail,
  fileLoop,
  floor,
  getmail,
  installed,
  mpop,
  oneThread,
  popkeep,
  WINDOWS,
} from './contestants.mjs'
import { delayProxy } from './delay-proxy.mjs'
import { goal, look } from './goals.mjs'
import { alternate, fromEmpty } from './measure.mjs'

/** In ms. */
export const ROUND_TRIP = 50

const own = () => [popkeep('sqlite'), popkeep('maildir')]
const floors = () => WINDOWS.map(floor)

/** F1 and half of F3. Sizes and folders are those of the benchmark, here and below. */
export async function small(bench) {
  const { maildir, user, messages } = await bench.maildrop('small')
  const onMemory = mpop({ name: 'mpop, Maildir on tmpfs', place: bench.tmpfs })
  const contestants = installed([
    ...floors(),
    mpop(),
    ...(bench.tmpfs ? [onMemory] : []),
    oneThread,
    fileLoop(`${maildir}/cur`),
    ...own(),
  ])
  const rows = await retrieve(bench, contestants, { user, messages })
  const { ms, best } = look(rows)
  return {
    name: `${bench.count(messages)} of 1-5 kB`,
    messages,
    rows,
    goals: [
      goal(
        'F1',
        'sqlite / (floor x 2.5 + 0.2 s)',
        ms('popkeep, sqlite') / (best('floor') * 2.5 + 200),
        1,
      ),
      ...besideMpop('F1', rows, 'sqlite'),
      goal('F3', 'maildir / create, fsync, rename', ms('popkeep, maildir') / ms('create'), 1.3),
      ...besideMpop('F3', rows, 'maildir'),
    ],
  }
}

/** F2 and the other half of F3. */
export async function mixed(bench) {
  const { maildir, user, messages } = await bench.maildrop('mixed')
  const contestants = installed([
    ...floors(),
    mpop(),
    oneThread,
    fileLoop(`${maildir}/cur`),
    ...own(),
  ])
  const rows = await retrieve(bench, contestants, { user, messages })
  const { ms, best } = look(rows)
  return {
    name: `${bench.count(messages)} mixed`,
    rows,
    goals: [
      goal('F2', 'sqlite / floor', ms('popkeep, sqlite') / best('floor'), 1.7),
      ...besideMpop('F2', rows, 'sqlite'),
      goal('F3', 'maildir / create, fsync, rename', ms('popkeep, maildir') / ms('create'), 1.3),
      ...besideMpop('F3', rows, 'maildir'),
    ],
  }
}

/** All programs there are, over few messages. */
export async function peers(bench) {
  const { user, messages } = await bench.maildrop('peers')
  const contestants = installed([...floors(), mpop(), getmail, fetchmail, ...own()])
  const rows = await retrieve(bench, contestants, { user, messages })
  return { name: `${bench.count(messages)} mixed, all programs`, rows, goals: [] }
}

/**
 * All programs there are, over ten times as many messages each time; who was slow goes no further. For the plot: a report for
 * each number of messages.
 */
export async function growth(bench) {
  const reports = []
  let contestants = installed([...floors(), mpop(), getmail, fetchmail, ...own()])
  for (const { user, messages } of bench.growing()) {
    const rows = await retrieve(bench, contestants, { user, messages })
    reports.push({ name: `${bench.count(messages)} of 1-5 kB`, messages, rows, goals: [] })
    const { ms } = look(rows)
    contestants = contestants.filter(({ name }) => ms(name) <= bench.slowMs)
  }
  return reports
}

/** F4. */
export async function delayed(bench) {
  const { user, messages } = await bench.maildrop('small')
  const at = { user, messages }
  const near = look(await retrieve(bench, [popkeep('maildir')], at))
  const proxy = await delayProxy(bench.port, ROUND_TRIP)
  try {
    const contestants = installed([...floors(), mpop(), ...own()])
    const rows = await retrieve({ ...bench, port: proxy.port }, contestants, at)
    const { ms, best } = look(rows)
    const mpopMs = ms('mpop')
    const maildir = ms('popkeep, maildir')
    return {
      name: `${bench.count(messages)} of 1-5 kB at ${ROUND_TRIP} ms`,
      rows,
      goals: [
        goal('F4', 'sqlite / floor', ms('popkeep, sqlite') / best('floor'), 2.5),
        goal('F4', 'maildir / maildir at 0 ms', maildir / near.ms('popkeep, maildir'), 1.2),
        ...(mpopMs ? [goal('F4', 'sqlite / mpop', ms('popkeep, sqlite') / mpopMs, 0.1)] : []),
      ],
    }
  } finally {
    await proxy.stop()
  }
}

async function retrieve(bench, contestants, { user, messages }) {
  const { port, folder } = bench
  const once = (contestant) => fromEmpty(contestant, { user, messages, port, folder })
  return await alternate(contestants, { ...bench, once })
}

function besideMpop(figure, rows, kind) {
  const { ms } = look(rows)
  const mpopMs = ms('mpop, Maildir')
  return mpopMs ? [goal(figure, `${kind} / mpop`, ms(`popkeep, ${kind}`) / mpopMs, 1)] : []
}
