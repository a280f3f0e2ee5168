import { describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import type { ListedMessage } from '../../src/pop3/listing.ts'
import type { MaildropSession } from '../../src/sync/ports/maildrop.ts'
import { FRAMING } from './framing.ts'
import { LISTINGS } from './listings.ts'
import { MESSAGES } from './messages.ts'
import { quirkServer } from './quirk-server.ts'
import { SESSIONS } from './sessions.ts'
import type { Expectation, ExpectedRow, Transcript } from './transcript.ts'

describe.each([
  ['framing', FRAMING],
  ['listings', LISTINGS],
  ['messages', MESSAGES],
  ['sessions', SESSIONS],
])('%s', (_room, transcripts) => {
  it.each(transcripts.map((transcript) => [transcript.name, transcript] as const))(
    '%s',
    async (_name, transcript) => {
      await using server = await quirkServer(transcript)
      const { error } = transcript.expect
      const seen: Seen = { messages: {}, headers: {} }
      const played = play(server.port, transcript, seen)
      if (error === undefined) await played
      else await expect(played).rejects.toMatchObject({ code: error })

      expect(seen.messages).toMatchObject(transcript.expect.messages ?? {})
      expect(seen.headers).toMatchObject(transcript.expect.headers ?? {})
      expect(server.connections).toHaveLength(transcript.expect.connections ?? 1)
      const { neverSends } = transcript.expect
      for (const line of server.connections.flatMap(({ receivedText }) =>
        receivedText.split('\r\n'),
      )) {
        if (neverSends) expect(line).not.toMatch(neverSends)
      }
    },
  )
})

/** What came before an error, if any. */
interface Seen {
  readonly messages: Record<number, string>
  readonly headers: Record<number, string>
}

/** Performs the actions that the expectation names, in the order of its fields, and checks their results. */
async function play(port: number, { expect: wanted }: Transcript, seen: Seen): Promise<void> {
  const maildrop = createMaildrop({
    host: '127.0.0.1',
    port,
    user: 'me',
    credential: { type: 'password', secret: 'secret' },
    tls: 'none',
    pipelining: true,
  })
  const session: MaildropSession = await maildrop.open(new AbortController().signal)
  try {
    await act(session, wanted, seen)
  } finally {
    session.close()
  }
}

async function act(session: MaildropSession, wanted: Expectation, seen: Seen): Promise<void> {
  if (wanted.pipelined !== undefined) expect(session.pipelined).toBe(wanted.pipelined)
  for (const tag of wanted.has ?? []) expect(session.capabilities.has(tag), tag).toBe(true)
  if (wanted.stat) expect(await session.stat()).toEqual(wanted.stat)
  const rows = needsListing(wanted) ? await list(session, wanted) : []
  if (wanted.headers) {
    await session.headers(rows, (row, header) => {
      seen.headers[row.messageNumber] = header ? Buffer.from(header).toString('latin1') : 'refused'
    })
  }
  if (wanted.messages) await retrieve(session, rows, seen)
  if (wanted.deleted) {
    const accepted = await session.delete(rows)
    expect(accepted.map(({ messageNumber }) => messageNumber)).toEqual(wanted.deleted)
  }
  if (wanted.quit) expect(await session.quit()).toBe(wanted.quit)
}

function needsListing({ listing, hasUniqueIds, headers, messages, deleted }: Expectation): boolean {
  return [listing, hasUniqueIds, headers, messages, deleted].some((field) => field !== undefined)
}

async function list(
  session: MaildropSession,
  { listing, hasUniqueIds }: Expectation,
): Promise<readonly ListedMessage[]> {
  const { rows, hasUniqueIds: has } = await session.listing()
  const asExpected = rows.all.map(
    ({ messageNumber, octets, uniqueId }): ExpectedRow => [messageNumber, octets, uniqueId],
  )
  if (listing) expect(asExpected).toEqual(listing)
  if (hasUniqueIds !== undefined) expect(has).toBe(hasUniqueIds)
  return rows.all
}

async function retrieve(
  session: MaildropSession,
  rows: readonly ListedMessage[],
  { messages }: Seen,
): Promise<void> {
  await session.retrieve(rows, {
    begin: ({ messageNumber }) => {
      let text = ''
      return {
        write(octets) {
          text += Buffer.from(octets).toString('latin1')
          return undefined
        },
        end() {
          messages[messageNumber] = text
          return undefined
        },
        abandon() {
          messages[messageNumber] = 'abandoned'
        },
      }
    },
    refused: ({ messageNumber }) => {
      messages[messageNumber] = 'refused'
    },
    inStep: () => {},
  })
}
