/** What a probe finds at a real Dovecot, and that the server saw nothing but what it says it sends. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MaildropOptions } from '../../src/client/maildrop.ts'
import { probeServer } from '../../src/client/probe.ts'
import { probeMaildrop } from '../../src/client/probe-maildrop.ts'
import { type Dovecot, isDovecotMissing, startDovecot } from '../support/dovecot.ts'
import { briefly, type Tls } from './logins.ts'

const PASSWORD = 'canary-2b91 pw'
const signal = new AbortController().signal

describe.skipIf(isDovecotMissing())('a probe of Dovecot', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot({
      maildrops: { me: PASSWORD },
      mechanisms: ['plain', 'login', 'scram-sha-256'],
    })
    for (const number of [1, 2, 3]) {
      const body = 'Text.\r\n'.repeat(number * 10)
      const path = join(dovecot.maildirOf('me'), 'new', `${number}.probe.example`)
      writeFileSync(path, `Subject: ${number}\r\n\r\n${body}`, { mode: 0o644 })
    }
  })
  afterAll(() => dovecot?.stop())

  it.each<Tls>(['implicit', 'stls'])('over %s TLS', async (tls) => {
    const trace: string[] = []
    const options: MaildropOptions = {
      host: '127.0.0.1',
      port: tls === 'implicit' ? dovecot.tlsPort : dovecot.port,
      ca: readFileSync(dovecot.caPem, 'utf8'),
      tls,
      user: 'me',
      credential: { type: 'password', secret: PASSWORD },
      pipelining: false,
      trace: (line) => trace.push(line),
    }
    await dovecot.attempts()
    const applicant = { user: 'me', credential: 'password', auth: undefined } as const
    const server = await probeServer(options, applicant, signal)
    expect(await dovecot.attempts()).toEqual([])
    expect(server).toMatchObject({
      peer: { address: '127.0.0.1', tls: { version: 'TLSv1.3', chain: [{}, {}] } },
      certificateProblem: undefined,
      failure: undefined,
    })
    expect(server.greeting).toMatch(/^\+OK Dovecot/)
    expect(server.mechanisms?.[0]).toMatchObject({ name: 'SCRAM-SHA-256', place: 1 })

    const report = await probeMaildrop(options, signal)
    expect(report).toMatchObject({
      mechanism: 'SCRAM-SHA-256',
      drop: { messages: 3 },
      uidl: { result: 'works', distinct: 3, missing: 0 },
      top: { result: 'works', octets: 14 },
      pipelining: { isAnnounced: true, result: 'works' },
      quit: 'done',
    })
    expect(report.failure).toBeUndefined()
    expect(report.sizes?.octets).toBe(report.drop?.octets)
    expect(briefly(await dovecot.attempts())).toEqual(['SCRAM-SHA-256 ok'])

    const sent = trace.filter((line) => line.startsWith('C: ')).join('\n')
    expect(sent).not.toMatch(/^C: (RETR|DELE|RSET)/m)
    expect(sent.match(/^C: QUIT$/gm)).toHaveLength(2)
    expect(trace.join('\n')).not.toContain('canary-2b91')
  })

  it('with a wrong password', async () => {
    const report = await probeMaildrop(
      {
        ...{ host: '127.0.0.1', port: dovecot.tlsPort, tls: 'implicit', user: 'me' },
        ca: readFileSync(dovecot.caPem, 'utf8'),
        credential: { type: 'password', secret: 'wrong' },
        pipelining: false,
      },
      signal,
    )
    expect(report).toMatchObject({ failure: { code: 'LOGIN_REFUSED', mechanism: 'SCRAM-SHA-256' } })
    expect(report.mechanism).toBeUndefined()
  })
})
