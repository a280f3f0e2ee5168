/**
 * What a server's listed octets say about those that RETR brings. Pure. What came counts without byte-stuffing and without
 * the terminator.
 *
 * | model      | listed is                                             | seen with                                     |
 * | ---------- | ----------------------------------------------------- | --------------------------------------------- |
 * | `exact`    | what comes                                            | most servers                                  |
 * | `+2`       | two octets less: the server adds a line end           | qmail-pop3d; Dovecot, where a file lacks one  |
 * | `lf`       | counted with LF for CR LF; one line end more may come | Dovecot with `pop3_fast_size_lookups`         |
 * | `rounded`  | a multiple of 1024 next to what comes                 | OpenMail                                      |
 * | `estimate` | no matter what: it tells nothing                      | Exchange without `EnableExactRFC822Size`      |
 *
 * More than was listed is never a sign of damage.
 */

export type SizeModel = 'exact' | '+2' | 'lf' | 'rounded' | 'estimate'

/** One message. */
export interface Measure {
  readonly listed: number
  readonly came: number
  /** LF in what came; undefined where nobody counted. */
  readonly lineEnds: number | undefined
}

/** So many messages show how a server counts. */
export const SAMPLE = 20

/** Fewer, none of which has its listed octets, may be cut short as well as estimated; so may all that came with less. */
const FEWEST_ESTIMATES = 5

/** Fewer that agree may do so by chance, against what was learned before. */
const FEWEST_TO_CHANGE = 3

const ROUNDING = 1024

/** By preference, where several fit alike. */
const TELLING: readonly SizeModel[] = ['exact', '+2', 'lf', 'rounded']

/** Whether this is what the model promises. `estimate` promises nothing. */
export function fits(model: SizeModel, { listed, came, lineEnds }: Measure): boolean {
  switch (model) {
    case 'exact':
      return came === listed
    case '+2':
      return came === listed + 2
    case 'lf': {
      if (lineEnds === undefined) return false
      const added = came - lineEnds - listed
      return added === 0 || added === 1
    }
    case 'rounded':
      return listed % ROUNDING === 0 && Math.abs(came - listed) < ROUNDING
    case 'estimate':
      return false
  }
}

/**
 * The model of a server, by a sample of its messages and what was learned before; undefined while nobody can tell. A few
 * messages change what is known only if they all agree. Where estimates are known, half of them are enough: no estimate hits
 * the octets that come, and a message that was cut agrees with nothing.
 */
export function modelOf(
  sample: readonly Measure[],
  known?: SizeModel | undefined,
): SizeModel | undefined {
  const { model, count } = bestOf(sample)
  const isFull = sample.length >= SAMPLE
  if (known === undefined) {
    if (count > 0 && (!isFull || count * 2 >= sample.length)) return model
    const isMixed = sample.some(({ listed, came }) => came >= listed)
    return isFull || (isMixed && sample.length >= FEWEST_ESTIMATES) ? 'estimate' : undefined
  }
  if (isFull) {
    if (countOf(known, sample) * 2 >= sample.length) return known
    return count * 2 >= sample.length ? model : 'estimate'
  }
  const fewest = known === 'estimate' ? sample.length / 2 : sample.length
  const isAgreed = count >= fewest && count >= FEWEST_TO_CHANGE
  return isAgreed && countOf(known, sample) === 0 ? model : known
}

/**
 * Whether less came than the model allows. What has its listed octets by any way of counting never is: some servers count
 * some messages in another way. While no model is known, nothing but a rounded number excuses less.
 */
export function isShort(model: SizeModel | undefined, measure: Measure): boolean {
  const { listed, came, lineEnds } = measure
  if (model === 'estimate') return false
  if (fits('exact', measure) || fits('+2', measure) || fits('lf', measure)) return false
  if (model === 'lf') return came - (lineEnds ?? 0) < listed
  if (model === 'rounded' || model === undefined) return came < listed && !fits('rounded', measure)
  return came < listed
}

/** Whether it is short by one of the models that may turn out to be the server's. */
export function mayBeShort(measure: Measure): boolean {
  return isShort('exact', measure) || isShort('lf', measure)
}

function bestOf(sample: readonly Measure[]): {
  readonly model: SizeModel | undefined
  readonly count: number
} {
  let best: SizeModel | undefined
  let most = 0
  for (const model of TELLING) {
    const count = countOf(model, sample)
    if (count > most) {
      best = model
      most = count
    }
  }
  return { model: best, count: most }
}

function countOf(model: SizeModel, sample: readonly Measure[]): number {
  return sample.filter((measure) => fits(model, measure)).length
}
