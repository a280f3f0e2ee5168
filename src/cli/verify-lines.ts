import { shellWord } from '../accounts/login-command.ts'
import { type ArchiveLocation, formatLocation } from '../archive/location.ts'
import { type Finding, isDamage } from '../archive/verify.ts'
import { humanOctets } from './columns.ts'
import { jsonLine, safe } from './safe.ts'

/** What a run of verify counts. */
export class VerifyCounts {
  readonly #of: number | undefined
  readonly #messages = { ok: 0, removed: 0, altered: 0, missing: 0, damaged: 0, adoptable: 0 }
  /** Those of `damaged` that are no message's. */
  #faults = 0
  /** Of what is damaged: marked by a repair; files of a Maildir that went with many others; the rest. */
  readonly #next = { marked: 0, vanished: 0, repairable: 0 }
  #octets = 0
  #isDamaged = false

  /** `of`: of how many messages a part is read; undefined if all are. */
  constructor(of?: number) {
    this.#of = of
  }

  get isDamaged(): boolean {
    return this.#isDamaged
  }

  add(finding: Finding, location: ArchiveLocation): void {
    this.#messages[finding.kind] += 1
    if (finding.kind === 'ok') this.#octets += finding.octets
    if (isDamage(finding)) {
      this.#isDamaged = true
      this.#next[nextStep(finding, location)] += 1
    }
    if (finding.id === undefined) this.#faults += 1
  }

  json(location: ArchiveLocation): string {
    return jsonLine({
      type: 'summary',
      archive: formatLocation(location),
      ...this.#messages,
      octets: this.#octets,
      ...(this.#of === undefined ? {} : { of: this.#of }),
    })
  }

  get #noun(): string {
    return (this.#of ?? this.#messages.ok) === 1 ? 'message' : 'messages'
  }

  line(location: ArchiveLocation): string {
    const { ok, removed, altered, missing, damaged, adoptable } = this.#messages
    const wrong = [
      [altered, 'altered'],
      [missing, 'missing'],
      [damaged - this.#faults, 'unreadable'],
      [this.#faults, this.#faults === 1 ? 'fault of the catalog' : 'faults of the catalog'],
      [removed, removedWords(location)],
      [adoptable, 'not in the catalog yet: the next sync adopts what is right'],
    ] as const
    const parts = wrong.flatMap(([count, word]) =>
      count > 0 ? [`${count.toLocaleString('en-US')} ${word}`] : [],
    )
    const share = this.#of === undefined ? '' : ` of ${this.#of.toLocaleString('en-US')}`
    const verified = `${ok.toLocaleString('en-US')}${share} ${this.#noun} (${humanOctets(this.#octets)}) verified`
    const verdict = this.#isDamaged
      ? `${verified}, the archive is damaged`
      : `${verified}, all as they were stored`
    return `${safe(formatLocation(location))}: ${[verdict, ...parts].join(', ')}\n`
  }

  /** What to do about damage, after all of it was named. */
  *advice(location: ArchiveLocation): Iterable<string> {
    const { marked, vanished, repairable } = this.#next
    const archive = shellWord(formatLocation(location))
    const repair = (option = '') => `popkeep repair${option} --archive ${archive}`
    if (vanished > 0) {
      yield `too many files are gone for an owner who tidied up. Put them back; or let ${repair(' --retrieve-missing')} have the next popkeep sync retrieve them; or say by ${repair(' --accept-missing')} that you removed them.`
    }
    if (repairable > 0) yield repairHint(location)
    if (marked > 0) {
      yield markedHint('popkeep sync', location)
    }
  }
}

function nextStep(finding: Finding, { kind }: ArchiveLocation) {
  if ('wanted' in finding && finding.wanted) return 'marked'
  return kind === 'maildir' && finding.kind === 'missing' ? 'vanished' : 'repairable'
}

function removedWords({ kind }: ArchiveLocation): string {
  return kind === 'sqlite'
    ? 'given up by you'
    : 'no longer there (taken as removed by you; if not so: popkeep repair --retrieve-missing)'
}

/** What to do about damage that no repair has seen yet. */
export function repairHint(location: ArchiveLocation): string {
  return (
    `popkeep repair --archive ${shellWord(formatLocation(location))} puts right what it can; the next popkeep sync then ` +
    'retrieves lost messages again where their server still has them.'
  )
}

/** What to do about damage that a repair has marked. `sync` is the command that retrieves it. */
export function markedHint(sync: string, location: ArchiveLocation): string {
  const archive = shellWord(formatLocation(location))
  return (
    `${sync} retrieves again what is marked for it, where its server still has it. For what a sync did not find, put a ` +
    `backup back and run popkeep repair --archive ${archive}, or give it up by popkeep repair --accept-missing --archive ${archive}.`
  )
}

export function findingJson(location: ArchiveLocation, finding: Finding): string {
  const { kind, id, ...facts } = finding
  return jsonLine({
    type: 'finding',
    archive: formatLocation(location),
    kind,
    id: id ?? null,
    ...facts,
  })
}

/** The words for findings of a kind, where they are counted. */
export function findingWords(kind: string): string {
  return kind === 'fault' ? 'faults of the catalog' : kind === 'damaged' ? 'unreadable' : kind
}

/** One line on something that is wrong; `name` says which message an id means. */
export function findingSentence(
  location: ArchiveLocation,
  finding: Finding,
  name: (id: string) => string,
): string {
  const where = formatLocation(location)
  const marked = 'wanted' in finding && finding.wanted ? ' It is marked to be retrieved again.' : ''
  const which = finding.id === undefined ? '' : `message ${name(finding.id)}`
  switch (finding.kind) {
    case 'altered':
      return `${where}: ${which} is altered: its octets are not those that were stored.${marked}`
    case 'missing':
      return `${where}: ${which} is missing: its octets are gone.${marked}`
    case 'damaged':
      return finding.id === undefined
        ? `${where}: ${finding.text}`
        : `${where}: ${which} cannot be read: ${finding.text}`
    case 'adoptable':
      return `${where}: ${which} is right, and not in the catalog yet.`
    case 'ok':
    case 'removed':
      return `${where}: ${which} is ${finding.kind}.`
  }
}
