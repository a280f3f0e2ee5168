import { createHash } from 'node:crypto'
import { UsageError } from '../accounts/errors.ts'
import type { ArchiveReader } from '../archive/reader.ts'
import { ArchiveError } from '../durable/errors.ts'
import { type AttachmentFacts, readableText } from '../message/body-text.ts'
import { readHeader } from '../message/header-fields.ts'
import { humanOctets } from './columns.ts'
import { localMinute } from './message-lines.ts'
import type { Output } from './output.ts'
import { safe, safeText } from './safe.ts'

const SHORT = 'the server handed over fewer octets than it lists'

/** One message, and the archive that was found to hold it. */
export interface FoundMessage {
  readonly id: string
  readonly reader: ArchiveReader
}

/** Finds the one message whose digest begins so. Throws UsageError if there is none, or more than one. */
export function findMessage(readers: readonly ArchiveReader[], prefix: string): FoundMessage {
  const found = new Map<string, ArchiveReader>()
  for (const reader of readers) {
    const resolution = reader.resolve(prefix)
    switch (resolution.type) {
      case 'tooShort':
        throw new UsageError(`"${prefix}" is no id: give 6 hex digits or more, as list prints them`)
      case 'one':
        if (!found.has(resolution.id)) found.set(resolution.id, reader)
        break
      case 'ambiguous':
        for (const id of resolution.ids) if (!found.has(id)) found.set(id, reader)
        break
      case 'none':
        break
    }
  }
  const [first, second] = found
  if (first === undefined) throw new UsageError(`no message begins with ${prefix}`)
  if (second !== undefined) {
    const ids = [...found.keys()].map((id) => id.slice(0, Math.max(12, prefix.length + 4)))
    throw new UsageError(`${prefix} is ambiguous: ${ids.join(', ')}`)
  }
  return { id: first[0], reader: first[1] }
}

/**
 * Writes the exact octets, and hashes them on the way: ARCHIVE_DAMAGED if they are not what the id promises. A terminal
 * gets them with control characters made visible, since it would act on them.
 */
export async function writeRaw({ id, reader }: FoundMessage, output: Output): Promise<void> {
  const decoder = output.stdout.isTTY ? new TextDecoder() : undefined
  const hash = createHash('sha256')
  for (const chunk of reader.octets(id)) {
    hash.update(chunk)
    await output.data(decoder ? safeText(decoder.decode(chunk, { stream: true })) : chunk)
  }
  if (hash.digest('hex') !== id) {
    throw new ArchiveError(
      'ARCHIVE_DAMAGED',
      `the octets of message ${id} are not those that were stored`,
    )
  }
}

/** Writes the header section as it stands, safe to look at. */
export async function writeHeaders({ id, reader }: FoundMessage, output: Output): Promise<void> {
  await output.data(safeText(new TextDecoder().decode(readHeader(reader.octets(id)))))
}

/** Writes what a person wants to read: main header fields, text, names of the attachments. */
export async function writeText({ id, reader }: FoundMessage, output: Output): Promise<void> {
  const { facts, text, attachments, isRaw, isCut } = await readableText(reader.octets(id))
  const { date, sender, recipients, subject } = facts
  const fields = [
    ['Date', date === null ? null : localMinute(date)],
    ['From', sender],
    ['To', recipients],
    ['Subject', subject],
    ['Id', id],
    ['Short', reader.isShort(id) ? SHORT : null],
    ...attachments.map((attachment) => ['Attachment', attachmentText(attachment)] as const),
  ] as const
  const head = fields.flatMap(([name, value]) => (value ? [`${name}: ${safe(value)}\n`] : []))
  await output.data(`${head.join('')}\n${safeText(text).trimEnd()}\n`)
  if (isRaw)
    output.problem(
      `the parts of message ${id} cannot be told apart; this is its body as it stands.`,
    )
  if (isCut) output.problem(`message ${id} is longer than what is shown; --raw has all of it.`)
}

function attachmentText({ name, type, octets }: AttachmentFacts): string {
  return `${name ?? 'without a name'} (${type}, ${humanOctets(octets)})`
}
