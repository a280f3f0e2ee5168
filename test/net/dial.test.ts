import type { LookupFunction } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type ConnectOptions, connect } from '../../src/net/connect.ts'
import { NetworkError, networkError } from '../../src/net/errors.ts'
import { freePort } from '../support/free-port.ts'
import { closed, scriptedServer, send } from '../support/scripted-server.ts'
import { failure, latin1, optionsFor } from './servers.ts'

/** A name with these addresses, in this order. */
const lookupOf =
  (...addresses: readonly string[]): LookupFunction =>
  (_host, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

const clear = (port: number, more: Partial<ConnectOptions> = {}) =>
  optionsFor(port, { tls: 'none', ...more })

describe('a name with several addresses', () => {
  it.each([
    ['the first refuses', ['127.0.0.2', '127.0.0.1']],
    ['this machine has no IPv6 there', ['::1', '127.0.0.1']],
    ['IPv4 comes first', ['127.0.0.1', '::1']],
  ])('is reached when %s', async (_what, addresses) => {
    await using server = await scriptedServer([send('+OK\r\n'), closed()])
    const connection = await connect(clear(server.port, { lookup: lookupOf(...addresses) }))
    expect(latin1(await connection.read(10_000))).toBe('+OK\r\n')
    expect(connection.peer).toEqual({
      address: '127.0.0.1',
      port: server.port,
      proxied: false,
      tls: undefined,
    })
    connection.close()
  })

  it('is one failure when none answers', async () => {
    const port = await freePort()
    const lookup = lookupOf('127.0.0.1', '127.0.0.2')
    const error = await failure(connect(clear(port, { lookup })))
    expect(error).toMatchObject({ code: 'NET_REFUSED' })
    expect(error.message).toBe(
      `pop.example.com:${port}: none of its 2 addresses answers (127.0.0.1: refused; 127.0.0.2: refused)`,
    )
  })

  it('is late only when all of them are', () => {
    const one = (code: string, address: string) => Object.assign(new Error(), { code, address })
    const late = [one('ETIMEDOUT', '192.0.2.1'), one('ETIMEDOUT', '2001:db8::1')]
    expect(networkError(new AggregateError(late), 'it')).toMatchObject({
      code: 'NET_TIMEOUT',
      message:
        'it: none of its 2 addresses answers (192.0.2.1: no answer in time; 2001:db8::1: no answer in time)',
    })
    const mixed = [...late, one('ENETUNREACH', '2001:db8::2')]
    expect(networkError(new AggregateError(mixed), 'it')).toMatchObject({ code: 'NET_REFUSED' })
  })

  it('does not call this machine untrusted where it has no descriptor left', () => {
    const error = Object.assign(new Error('connect EMFILE 192.0.2.1:110'), { code: 'EMFILE' })
    expect(networkError(error, 'it')).toMatchObject({
      code: 'NET_SYSTEM',
      message: 'it: too many files are open (EMFILE)',
    })
  })
})

describe('a name', () => {
  it('that is never looked up to the end has the deadline and the signal of the attempt', async () => {
    let asked = 0
    const lookup: LookupFunction = () => {
      asked += 1
    }
    expect(await failure(connect(clear(110, { lookup, timeoutMs: 50 })))).toMatchObject({
      code: 'NET_TIMEOUT',
      message: 'pop.example.com:110: no connection in time',
    })
    const controller = new AbortController()
    const aborted = failure(connect(clear(110, { lookup, signal: controller.signal })))
    controller.abort(new Error('interrupted'))
    expect(await aborted).toBe(controller.signal.reason)
    expect(asked).toBe(2)
  })

  it('that does not exist is said so', async () => {
    const lookup: LookupFunction = (_host, _options, done) =>
      done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '')
    expect(await failure(connect(clear(110, { lookup })))).toMatchObject({
      code: 'NET_DNS',
      message: 'pop.example.com:110: the host name does not resolve',
    })
  })

  it('is looked up as DNS has it', async () => {
    const asked: string[] = []
    const lookup: LookupFunction = (host, _options, done) => {
      asked.push(host)
      done(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), '')
    }
    for (const host of ['m\u00fcnchen.example', 'pop.example.com.']) {
      await failure(connect(clear(110, { lookup, host })))
    }
    expect(asked).toEqual(['xn--mnchen-3ya.example', 'pop.example.com'])
  })

  it('must be one', async () => {
    for (const host of [
      '',
      'a b',
      'a\r\nb',
      'me@pop.example.com',
      'pop.example.com/x',
      'a\0',
      'xn--a\u010d\u010ab',
    ]) {
      const error = await failure(connect(clear(110, { host })))
      expect(error).toBeInstanceOf(NetworkError)
      expect(error.code, JSON.stringify(host)).toBe('NET_ARGUMENT')
    }
  })
})

describe('clear text', () => {
  it('goes to any host, because its owner said so', async () => {
    await using server = await scriptedServer([closed()])
    const connection = await connect(clear(server.port))
    expect(connection.isTrusted).toBe(true)
    expect(connection.isEncrypted).toBe(false)
    expect(connection.channelBinding()).toBeUndefined()
    connection.close()
    expect(connection.isTrusted).toBe(false)
  })
})
