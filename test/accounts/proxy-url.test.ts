import { describe, expect, it } from 'vitest'

import { UsageError } from '../../src/accounts/errors.ts'
import { parseProxyUrl } from '../../src/accounts/proxy-url.ts'

describe('the address of a proxy', () => {
  it.each([
    ['socks5://host', { type: 'socks5', host: 'host', port: 1080 }],
    ['SOCKS5H://host:9050/', { type: 'socks5', host: 'host', port: 9050 }],
    ['http://proxy.example', { type: 'http', host: 'proxy.example', port: 3128 }],
    ['http://me%40x%3Ay@[::1]:8080', { type: 'http', host: '::1', port: 8080, user: 'me@x:y' }],
    ['socks5://me@127.0.0.1:', { type: 'socks5', host: '127.0.0.1', port: 1080, user: 'me' }],
  ])('%s', (url, expected) => {
    expect(parseProxyUrl(url)).toEqual({ user: undefined, ...expected })
  })

  it.each([
    'host:1080',
    'https://host',
    'socks4://host',
    'socks5://',
    'socks5://@host',
    'socks5://ho st',
    'socks5://host:0',
    'socks5://host:65536',
    'socks5://::1',
    'http://host/path',
    'http://host?hunter2',
    'http://a%00b@host',
    'http://a%zz@host',
    '',
  ])('%j is none', (url) => {
    const act = () => parseProxyUrl(url)
    expect(act).toThrow(UsageError)
    expect(act).toThrow(/^a proxy is socks5:\/\/\[USER@\]HOST/)
  })

  it.each(['socks5://me:hunter2@host', 'http://me:hun/ter2@x@host', 'x://:hunter2@host'])(
    'does not hold a password',
    (url) => {
      const act = () => parseProxyUrl(url)
      expect(act).toThrow(/POPKEEP_PROXY_PASSWORD/)
      expect(act).not.toThrow(/hun|ter2/)
    },
  )
})
