/** What a person reads of a message: its text, and the names of what is attached. */
import { Readable } from 'node:stream'

import { type HeaderFacts, headerFacts } from './facts.ts'
import { HeaderCollector } from './header-fields.ts'
import { decodeOctets, toLine } from './header-text.ts'
import { MAX_PARSED_OCTETS, MAX_PARTS, MAX_RAW_OCTETS, MAX_TEXT_CHARACTERS } from './limits.ts'

export interface ReadableMessage {
  /** Never by the MIME parser, which takes an unreadable date for today's. */
  readonly facts: HeaderFacts
  /** With LF line ends. Control characters are not escaped. */
  readonly text: string
  readonly attachments: readonly AttachmentFacts[]
  /** The MIME structure was beyond the parser: `text` is the body as it stands. */
  readonly isRaw: boolean
  /** The message is longer than what is read to show it: text or attachments may be missing or cut. */
  readonly isCut: boolean
}

export interface AttachmentFacts {
  /** One line; null if the part has none. */
  readonly name: string | null
  readonly type: string
  /** Of the decoded content. */
  readonly octets: number
}

/**
 * Reads a message for a person. Takes at most 64 MiB of it. HTML without a text beside it is turned into text.
 *
 * Any octets give a result; only a failure of `message` itself is thrown.
 */
export async function readableText(
  message: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<ReadableMessage> {
  const reading = new Reading(message)
  const parsed = await parse(reading)
  if (reading.failure !== undefined) throw reading.failure.cause
  const header = reading.header.octets()
  return {
    facts: headerFacts(header),
    text: (parsed?.text ?? reading.bodyText()).slice(0, MAX_TEXT_CHARACTERS),
    attachments: parsed?.attachments ?? [],
    isRaw: parsed === undefined,
    isCut: reading.isCut,
  }
}

/** Passes the octets of a message on, and keeps its header and the start of its body. */
class Reading {
  readonly header = new HeaderCollector()
  isCut = false
  failure: { readonly cause: unknown } | undefined
  readonly #message: Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  readonly #body: Uint8Array[] = []
  #bodyOctets = 0

  constructor(message: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    this.#message = message
  }

  async *octets(): AsyncGenerator<Uint8Array> {
    let room = MAX_PARSED_OCTETS
    try {
      for await (const chunk of this.#message) {
        this.#keep(chunk)
        // A copy: the stream holds it longer than the view is valid.
        yield Buffer.from(chunk.subarray(0, room))
        this.isCut = chunk.length > room
        room -= chunk.length
        if (this.isCut) return
      }
    } catch (cause) {
      this.failure = { cause }
      throw cause
    }
  }

  bodyText(): string {
    const octets = Buffer.concat(this.#body).toString('latin1')
    return decodeOctets(octets, undefined).replaceAll('\r\n', '\n')
  }

  #keep(chunk: Uint8Array): void {
    const body = chunk.subarray(this.header.write(chunk))
    const kept = Buffer.from(body.subarray(0, MAX_RAW_OCTETS - this.#bodyOctets))
    this.#bodyOctets += kept.length
    if (kept.length > 0) this.#body.push(kept)
  }
}

/** Undefined if the parser gave up: too many parts, too long a header section, or a mistake of its own. */
async function parse(
  reading: Reading,
): Promise<{ text: string; attachments: AttachmentFacts[] } | undefined> {
  // Loading it takes longer than a sync that finds nothing new.
  const { MailParser } = await import('mailparser')
  const parser = new MailParser({
    skipImageLinks: true,
    skipTextLinks: true,
    skipTextToHtml: true,
    checksumAlgo: false,
    maxChildNodes: MAX_PARTS,
  })
  const source = Readable.from(reading.octets())
  source.once('error', (error) => parser.destroy(error))
  source.pipe(parser)
  const attachments: AttachmentFacts[] = []
  let text = ''
  try {
    for await (const part of parser) {
      if (part.type === 'text') {
        text = part.text ?? ''
        continue
      }
      let octets = 0
      for await (const chunk of part.content) octets += chunk.length
      attachments.push({
        name: toLine(part.filename ?? '') || null,
        type: part.contentType,
        octets,
      })
      part.release?.()
    }
    return { text: text.replaceAll('\r\n', '\n'), attachments }
  } catch {
    // The caller shows the body as it stands; a failure to read the message is thrown there.
    return undefined
  } finally {
    source.destroy()
  }
}
