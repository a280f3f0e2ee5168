import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import type { RepairFinding } from '../archive/repair-findings.ts'
import { counted } from './columns.ts'
import { jsonLine, quoted, safe } from './safe.ts'

const WORDS = {
  sound: 'sound',
  rebuilt: 'put right',
  returned: 'found again',
  wanted: 'lost or altered',
  removed: 'removed by you',
  givenUp: 'given up',
  undecided: 'missing',
  unreadable: 'unreadable',
} as const

type Counted = keyof typeof WORDS

const isCounted = (kind: string): kind is Counted => kind in WORDS

/** The words for findings of a kind, where they are counted. */
export function repairWords(kind: string): string {
  return isCounted(kind) ? WORDS[kind] : kind
}

type GivenUp = RepairFinding & { readonly givenUp: object }

/** Whether its owner gave this message up by this repair. */
export function isGivenUp(finding: RepairFinding): finding is GivenUp & {
  readonly givenUp: { readonly wasWanted: boolean }
} {
  return 'givenUp' in finding && finding.givenUp !== undefined
}

/** What a repair counts. */
export class RepairCounts {
  readonly #counts = new Map<Counted, number>()
  /** Given up, though no repair had marked them for a sync. */
  #untried = 0

  add(finding: RepairFinding): void {
    const kind = isGivenUp(finding) ? 'givenUp' : finding.kind
    if (isCounted(kind)) this.#counts.set(kind, this.#count(kind) + 1)
    if (isGivenUp(finding) && !finding.givenUp.wasWanted) this.#untried += 1
  }

  get exit(): number {
    if (this.#count('undecided') + this.#count('unreadable') > 0) return 65
    return this.#count('wanted') > 0 ? 1 : 0
  }

  json(location: ArchiveLocation): string {
    const counts = Object.keys(WORDS).map((kind) => [kind, this.#count(kind as Counted)] as const)
    return jsonLine({
      type: 'summary',
      archive: formatLocation(location),
      ...Object.fromEntries(counts),
    })
  }

  line(location: ArchiveLocation): string {
    const parts = Object.entries(WORDS).flatMap(([kind, words]) => {
      const count = this.#count(kind as Counted)
      return count > 0 || kind === 'sound' ? [`${count.toLocaleString('en-US')} ${words}`] : []
    })
    return `${safe(formatLocation(location))}: ${parts.join(', ')}\n`
  }

  /** What to do next. */
  *advice(): Iterable<string> {
    if (this.#count('wanted') > 0) {
      yield 'popkeep sync retrieves what was lost or altered where its server still has it; popkeep verify names the rest. ' +
        'A backup that is put back serves as well. popkeep repair --accept-missing gives up what is gone for good.'
    }
    if (this.#untried > 0) {
      yield `of what was given up, no sync was asked to retrieve ${counted(this.#untried, 'message')}. ` +
        'If a server may still have them: popkeep repair --retrieve-missing, then popkeep sync.'
    }
    if (this.#count('undecided') > 0) {
      yield 'too many files are gone for an owner who tidied up, so nothing is deleted on a server. Put them back; or let ' +
        'popkeep repair --retrieve-missing have the next sync retrieve them; or say by popkeep repair --accept-missing ' +
        'that you removed them.'
    }
  }

  #count(kind: Counted): number {
    return this.#counts.get(kind) ?? 0
  }
}

export function repairJson(location: ArchiveLocation, finding: RepairFinding): string {
  return jsonLine({ type: 'finding', archive: formatLocation(location), ...finding })
}

/** One line on something that needs somebody's attention; `name` says which message an id means. */
export function repairSentence(
  location: ArchiveLocation,
  finding: RepairFinding,
  name: (id: string) => string,
): string {
  const where = formatLocation(location)
  switch (finding.kind) {
    case 'wanted':
      return `${where}: message ${name(finding.id)} is to be retrieved again: ${finding.text}.`
    case 'undecided':
      return `${where}: message ${name(finding.id)} is missing.`
    case 'unreadable':
      return `${where}: message ${name(finding.id)} cannot be read: ${finding.text}`
    case 'kept':
      return `${where}: what was damaged is kept as ${finding.path}`
    case 'lost': {
      const what = [
        ...(finding.rows > 0 ? [`${finding.rows} rows contradict others`] : []),
        ...(finding.gaps > 0 ? [`${finding.gaps} parts cannot be read`] : []),
      ]
      return `${where}: of the table ${finding.table}, ${what.join(' and ')}; the next sync finds out what they said.`
    }
    case 'schema':
      return `${where}: how the file describes ${finding.names.join(', ')} was damaged, and is put right.`
    case 'anew':
      return `${where}: SQLite could not read the catalog; a new one begins, and the next sync binds its messages anew.`
    case 'sound':
    case 'rebuilt':
    case 'returned':
    case 'removed': {
      const { givenUp } = finding
      if (givenUp === undefined)
        return `${where}: message ${name(finding.id)} is ${WORDS[finding.kind]}.`
      const subject = givenUp.subject === undefined ? '' : ` (${quoted(givenUp.subject)})`
      return `${where}: message ${name(finding.id)}${subject} is given up.`
    }
  }
}
