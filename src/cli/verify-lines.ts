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
  #octets = 0
  #isDamaged = false

  /** `of`: of how many messages a part is read; undefined if all are. */
  constructor(of?: number) {
    this.#of = of
  }

  get isDamaged(): boolean {
    return this.#isDamaged
  }

  add(finding: Finding): void {
    this.#messages[finding.kind] += 1
    if (finding.kind === 'ok') this.#octets += finding.octets
    if (isDamage(finding)) this.#isDamaged = true
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
      [removed, 'removed by you'],
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

/** What to do about damage, after all of it was named. */
export function repairHint(location: ArchiveLocation): string {
  return (
    `popkeep repair --archive ${formatLocation(location)} puts right what it can; the next popkeep sync then ` +
    'retrieves lost messages again where their server still has them.'
  )
}

/** One line on something that is wrong. */
export function findingSentence(location: ArchiveLocation, finding: Finding): string {
  const where = formatLocation(location)
  switch (finding.kind) {
    case 'altered':
      return `${where}: message ${finding.id} is altered: its octets are not those that were stored.`
    case 'missing':
      return `${where}: message ${finding.id} is missing: its octets are gone.`
    case 'damaged':
      return finding.id === undefined
        ? `${where}: ${finding.text}`
        : `${where}: message ${finding.id} cannot be read: ${finding.text}`
    case 'adoptable':
      return `${where}: message ${finding.id} is right, and not in the catalog yet.`
    case 'ok':
    case 'removed':
      return `${where}: message ${finding.id} is ${finding.kind}.`
  }
}
