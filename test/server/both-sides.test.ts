import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createMaildrop } from '../../src/client/maildrop.ts'
import type { ListenOptions, Pop3Server } from '../../src/server/listen.ts'
import { listen } from '../../src/server/listen.ts'
import type { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { qpopper } from '../../src/server/personality.ts'
import { SEED_PASSWORD, SEED_USER, seedMaildrop } from '../../src/server/seed-maildrop.ts'
import type { MaildropSession } from '../../src/sync/ports/maildrop.ts'
import { makeCertificates } from '../support/certificates.ts'
import { hasOpenssl } from '../support/openssl.ts'

/** popkeep's client and popkeep's server, each the other's test. */
describe('client and server', () => {
  it('agree on every command, by AUTH PLAIN and by USER and PASS', async () => {
    for (const auth of ['plain', 'user'] as const) {
      const source = seedMaildrop()
      await using server = await start(source)
      const session = await open(server, { auth })
      expect(session.pipelined).toBe(true)
      expect(await session.stat()).toEqual({ messages: 6, octets: 12_576 })
      const { rows, hasUniqueIds } = await session.listing()
      expect(hasUniqueIds).toBe(true)
      expect(rows.all.map(({ octets, uniqueId }) => [octets, uniqueId])).toEqual(
        source.messages.map(({ octets, uniqueId }) => [octets, uniqueId]),
      )
      expect(await session.last()).toBe(4)
      const headers: number[] = []
      await session.headers(rows.all, ({ messageNumber }, header) => {
        expect(Buffer.from(header ?? []).toString('latin1')).toMatch(/\r\n\r\n$/)
        headers.push(messageNumber)
      })
      expect(headers).toEqual([1, 2, 3, 4, 5, 6])
      expect(await retrieveAll(session)).toEqual(await octetsOf(source))
      expect(await session.last()).toBe(6)
      await session.delete(rows.all.slice(0, 3))
      expect(await session.quit()).toBe('done')
      expect(source.messages.map(({ octets, accessed }) => [octets, accessed])).toEqual([
        [1100, true],
        [3025, true],
        [2068, true],
      ])
    }
  })

  it('refuse a wrong password and a second session by their codes', async () => {
    await using server = await start(seedMaildrop())
    await expect(
      open(server, { credential: { type: 'password', secret: 'wrong' } }),
    ).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    const first = await open(server)
    await expect(open(server)).rejects.toMatchObject({ code: 'LOGIN_IN_USE' })
    await first.quit()
  })

  it.skipIf(!hasOpenssl)('meet behind implicit TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'popkeep-tls-'))
    try {
      const { ca, certificate, key } = makeCertificates(folder)
      const source = seedMaildrop()
      const tls = { cert: readFileSync(certificate), key: readFileSync(key) }
      await using server = await start(source, { tls })
      const session = await open(server, { tls: 'implicit', ca: readFileSync(ca, 'utf8') })
      expect(await retrieveAll(session)).toEqual(await octetsOf(source))
      expect(await session.quit()).toBe('done')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

function start(source: MemoryMaildrop, options: Partial<ListenOptions> = {}): Promise<Pop3Server> {
  return listen({
    host: '127.0.0.1',
    port: 0,
    maildrops: [{ user: SEED_USER, secret: SEED_PASSWORD, source }],
    personality: qpopper({ hostName: 'localhost', now: Date.now, pid: () => process.pid }),
    onFault: (fault) => {
      throw fault
    },
    ...options,
  })
}

function open(
  { host, port }: Pop3Server,
  options: Partial<Parameters<typeof createMaildrop>[0]> = {},
): Promise<MaildropSession> {
  return createMaildrop({
    ...{
      host,
      port,
      user: SEED_USER,
      credential: { type: 'password', secret: SEED_PASSWORD },
      tls: 'none',
      pipelining: true,
    },
    ...options,
  }).open(new AbortController().signal)
}

async function retrieveAll(session: MaildropSession): Promise<readonly Buffer[]> {
  const { rows } = await session.listing()
  const messages: Buffer[] = []
  await session.retrieve(rows.all, {
    begin: () => {
      const pieces: Buffer[] = []
      return {
        write: (octets) => {
          pieces.push(Buffer.from(octets))
          return undefined
        },
        end: () => {
          messages.push(Buffer.concat(pieces))
          return undefined
        },
        abandon: () => {},
      }
    },
    inStep: () => {},
    refused: (_row, error) => {
      throw error
    },
  })
  return messages
}

async function octetsOf({ messages }: MemoryMaildrop): Promise<readonly Buffer[]> {
  const whole: Buffer[] = []
  for (const message of messages) {
    const pieces: Uint8Array[] = []
    for await (const octets of message.read()) pieces.push(octets)
    whole.push(Buffer.concat(pieces))
  }
  return whole
}
