import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/accounts/config.ts'
import type { ConfigLoader } from '../../src/cli/configuration.ts'
import { chooseServer } from '../../src/cli/server-choice.ts'

const text = `
[accounts.work]
host = "pop.example.com"
user = "me@example.com"
password_file = "/home/me/password"
`
const withProxy = `proxy = "socks5://127.0.0.1:9050"\n${text}
[accounts.tokens]
host = "pop.example.com"
user = "me"
token_command = "oama access me"
`
const proxied: ConfigLoader = () => parseConfig(withProxy, '/home/me/config.toml', '/home/me')
const config: ConfigLoader = () => parseConfig(text, '/home/me/config.toml', '/home/me')
const noConfig: ConfigLoader = ({ mayBeMissing }) => {
  if (!mayBeMissing) throw new Error('asked for the config')
  return undefined
}

describe('chooseServer', () => {
  it('takes an account of the config, with what the options change', () => {
    const account = chooseServer('work', { auth: 'user', passwordCommand: 'pass work' }, config)
    expect(account).toMatchObject({
      host: 'pop.example.com',
      auth: 'USER',
      secret: { type: 'command', command: 'pass work' },
    })
  })

  it('takes a POP-URL without a config', () => {
    expect(chooseServer('pop://me@example.com', {}, noConfig)).toMatchObject({
      name: 'me@example.com',
      tls: 'stls',
      port: 110,
    })
  })

  it('takes a POP-URL through the proxy that the config has for all accounts', () => {
    const { proxy } = chooseServer('pops://me@example.com', {}, proxied)
    expect(proxy).toMatchObject({ type: 'socks5', port: 9050 })
    const other = chooseServer('work', { proxy: 'http://127.0.0.1:8080' }, proxied)
    expect(other.proxy).toMatchObject({ type: 'http', port: 8080 })
  })

  it('lets no token cross the network in clear text', () => {
    expect(() => chooseServer('tokens', { tls: 'none' }, proxied)).toThrow(/without TLS/)
    const { token } = chooseServer('tokens', { tls: 'none', passwordFile: 'p' }, proxied)
    expect(token).toBeUndefined()
  })

  it.each([
    ['a name that is none', 'wrk', {}],
    ['another kind of URL', 'imaps://me:hunter2@example.com', {}],
    ['a mechanism that is none', 'work', { auth: 'ntlm' }],
    ['a token mechanism without a token', 'work', { auth: 'xoauth2' }],
    ['EXTERNAL without a certificate', 'work', { auth: 'external' }],
    ['two passwords', 'work', { passwordFile: 'a', passwordCommand: 'b' }],
    ['pops:// without TLS', 'pops://me@example.com', { tls: 'none' as const }],
  ])('refuses %s', (_name, target, options) => {
    expect(() => chooseServer(target, options, config)).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.not.stringContaining('hunter2') }),
    )
  })
})
