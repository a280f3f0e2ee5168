import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeCertificates } from '../support/certificates.ts'
import {
  closed,
  expectLine,
  type Step,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temp.ts'
import { announcing, lastCapa, linesAt, mechanismAt, openAt } from './conversation.ts'
import { scramLogin } from './scram-steps.ts'

describe('channel binding', () => {
  let folder: TemporaryFolder
  let ca: string
  let tls: { readonly cert: Buffer; readonly key: Buffer }
  beforeAll(() => {
    folder = temporaryFolder('binding')
    const made = makeCertificates(folder.path)
    ca = readFileSync(made.ca, 'utf8')
    tls = { cert: readFileSync(made.certificate), key: readFileSync(made.key) }
  })
  afterAll(() => folder.remove())

  const options = () => ({ tls: 'implicit' as const, ca })
  const announced = ['SASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN', 'USER']

  it('is used where it is offered', async () => {
    await using server = await scriptedTlsServer(tls, async (connection) => {
      const binding = { type: 'tls-exporter', data: connection.keyingMaterial() }
      const step = scramLogin('SCRAM-SHA-256-PLUS', { hash: 'SHA-256', binding })
      for (const each of announcing(announced, step, ...lastCapa)) await each(connection)
    })
    expect(await mechanismAt(server, options())).toBe('SCRAM-SHA-256-PLUS')
  })

  it.each<[string, Step]>([
    [
      'by the server, to which TLS leads another way',
      scramLogin('SCRAM-SHA-256-PLUS', {
        hash: 'SHA-256',
        binding: { type: 'tls-exporter', data: new Uint8Array(32) },
      }),
    ],
    [
      'at the first step',
      async (connection) => {
        await connection.expectLine(/^AUTH SCRAM-SHA-256-PLUS /)
        await connection.send('-ERR Unsupported mechanism\r\n')
      },
    ],
  ])('is followed by nothing where it is refused %s', async (_how, step) => {
    await using server = await scriptedTlsServer(tls, announcing(announced, step, closed()))
    await expect(openAt(server, options())).rejects.toMatchObject({
      code: expect.stringMatching(/^LOGIN_(REFUSED|NO_MECHANISM)$/),
      mechanism: 'SCRAM-SHA-256-PLUS',
    })
    await server.played()
    expect(linesAt(server).join()).not.toMatch(/AUTH PLAIN|AUTH SCRAM-SHA-256 |USER/)
    expect(server.connections).toHaveLength(1)
  })

  it('that was taken from the list is missed by the server', async () => {
    // `y` in the first message tells a server that can bind that somebody took -PLUS away.
    const binding = { type: 'tls-exporter', data: new Uint8Array(32) }
    const step = scramLogin('SCRAM-SHA-256', { hash: 'SHA-256', binding })
    await using server = await scriptedTlsServer(
      tls,
      announcing(['SASL SCRAM-SHA-256'], step, closed()),
    )
    await expect(openAt(server, options())).rejects.toMatchObject({ code: 'LOGIN_REFUSED' })
    const initial = linesAt(server)[1]?.split(' ')[2] ?? ''
    expect(Buffer.from(initial, 'base64').toString()).toMatch(/^y,,n=me,r=/)
  })

  it('gives EXTERNAL nothing but the certificate', async () => {
    await using server = await scriptedTlsServer(
      tls,
      announcing(['SASL EXTERNAL'], expectLine('AUTH EXTERNAL ='), send('+OK\r\n'), ...lastCapa),
    )
    const credential = { type: 'certificate' } as const
    expect(await mechanismAt(server, { ...options(), credential })).toBe('EXTERNAL')
  })

  it('gives EXTERNAL in two steps an empty line', async () => {
    await using server = await scriptedTlsServer(
      tls,
      announcing(
        ['SASL EXTERNAL'],
        ...[expectLine('AUTH EXTERNAL ='), send('-ERR syntax\r\n')],
        ...[expectLine('AUTH EXTERNAL'), send('+ \r\n'), expectLine(''), send('+OK\r\n')],
        ...lastCapa,
      ),
    )
    const credential = { type: 'certificate' } as const
    expect(await mechanismAt(server, { ...options(), credential })).toBe('EXTERNAL')
  })
})
