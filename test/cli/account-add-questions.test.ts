import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/accounts/config.ts'
import { type DiscoveryPorts, discoverServer } from '../../src/accounts/discovery.ts'
import type { Asker } from '../../src/cli/account-add-asker.ts'
import type { AccountAddOptions } from '../../src/cli/account-add-draft.ts'
import { askLogin, type LoginWorld } from '../../src/cli/account-add-login.ts'
import {
  askAddress,
  askArchive,
  askName,
  askPlace,
  askPlaceAgain,
} from '../../src/cli/account-add-questions.ts'

const none: AccountAddOptions = { check: true }
const never = new AbortController().signal

/** Somebody who gives these answers, and a record of what was said and asked. */
function person(...answers: readonly string[]) {
  const heard: string[] = []
  const left = [...answers]
  const give = (): string => {
    const answer = left.shift()
    if (answer === undefined) throw new Error(`no answer to ${heard.at(-1)}`)
    return answer
  }
  const asker: Asker = {
    say: (line) => void heard.push(line),
    async line(question, fallback) {
      heard.push(`${question} [${fallback ?? ''}]?`)
      return give() || (fallback ?? '')
    },
    async hidden(question) {
      heard.push(`${question}!`)
      return give()
    },
  }
  return { asker, heard, left }
}

function world(parts: Partial<LoginWorld> & { readonly ports?: Partial<DiscoveryPorts> } = {}) {
  const nothing = async (): Promise<never> => {
    throw new Error('ENOTFOUND')
  }
  const ports: DiscoveryPorts = {
    ...{ resolveSrv: nothing, resolveMx: nothing, probe: nothing, random: () => 0.5 },
    ...parts.ports,
  }
  const whole: LoginWorld = {
    asker: undefined,
    config: undefined,
    discover: (address) => discoverServer(address, ports, never),
    hasKeyring: async () => false,
    freshFile: (name) => `${name}.password`,
    environment: undefined,
    logsIn: true,
    writes: true,
    hasOAuthTable: () => false,
    ...parts,
  }
  return whole
}

const announcing = (name: string, port = 995): Partial<DiscoveryPorts> => ({
  resolveSrv: async () => [{ name, port, priority: 0, weight: 0 }],
  probe: async () => true,
})

describe('the address', () => {
  it('is asked for until it is one', async () => {
    const { asker } = person('me', 'me@', 'me@example.com')
    expect(await askAddress(undefined, none, world({ asker }))).toBe('me@example.com')
  })

  it('is not needed where server and user are given', async () => {
    const options = { ...none, host: 'pop.example.com', user: 'me' }
    expect(await askAddress(undefined, options, world())).toBeUndefined()
  })

  it.each([
    [undefined, '--host'],
    ['me', 'no mail address'],
  ])('given as %j is refused', async (given, text) => {
    await expect(askAddress(given, none, world())).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(text),
    })
  })
})

describe('the server', () => {
  it('is shown with how it was found, and taken by Return', async () => {
    const { asker, heard } = person('', '')
    const ports = announcing('pop.example.com')
    const place = await askPlace('me@example.com', none, world({ asker, ports }))
    expect(place).toEqual({
      server: { host: 'pop.example.com', port: 995, tls: 'implicit' },
      user: 'me@example.com',
    })
    expect(heard).toEqual([
      'Looking for the POP3 server of example.com ...',
      'pop.example.com, port 995, TLS: announced in the DNS as _pop3s._tcp.example.com.',
      'Server [pop.example.com:995]?',
      'User [me@example.com]?',
    ])
  })

  it('outside of the domain needs a yes, and Return is a no', async () => {
    const { asker, heard } = person('', '', 'mail.example.com', '')
    const ports = announcing('pop.evil.example')
    const place = await askPlace('me@example.com', none, world({ asker, ports }))
    expect(place.server.host).toBe('mail.example.com')
    expect(heard.join('\n')).toMatch(/pop\.evil\.example is not within example\.com.* \[n\]\?/)
  })

  it('outside of the domain is taken on a yes', async () => {
    const { asker } = person('', 'yes', '')
    const ports = announcing('pop.hoster.example')
    const place = await askPlace('me@example.com', none, world({ asker, ports }))
    expect(place.server.host).toBe('pop.hoster.example')
  })

  it('of a known provider is taken by Return, though the domain is another', async () => {
    const { asker, heard } = person('', '')
    const ports = {
      resolveMx: async () => [{ exchange: 'aspmx.l.google.com', priority: 1 }],
    }
    const place = await askPlace('me@example.com', none, world({ asker, ports }))
    expect(place.server.host).toBe('pop.gmail.com')
    expect(heard[1]).toContain('Gmail, whose aspmx.l.google.com takes the mail of this domain')
  })

  it('that cannot be one is named and left out', async () => {
    const { asker, heard } = person('pop.example.com:110', '')
    const ports = { ...announcing('127.0.0.1'), probe: async () => false }
    const place = await askPlace('me@example.com', none, world({ asker, ports }))
    expect(heard).toContain(
      'The DNS names 127.0.0.1:995, which cannot be a server; it is left out.',
    )
    expect(place.server).toEqual({ host: 'pop.example.com', port: 110, tls: 'stls' })
  })

  it('that nobody may be asked about must be in the table', async () => {
    const place = await askPlace('me@web.de', none, world())
    expect(place).toMatchObject({ server: { host: 'pop3.web.de' }, user: 'me' })
    const ports = announcing('pop.example.com')
    await expect(askPlace('me@example.com', none, world({ ports }))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/--host: it may be pop\.example\.com, port 995, TLS/),
    })
  })

  it('is refused with the reason where a provider has no POP', async () => {
    const { asker } = person()
    await expect(askPlace('me@icloud.com', none, world({ asker }))).rejects.toThrow(/IMAP.*--host/)
  })

  it.each([
    [{ host: 'h.example' }, { host: 'h.example', port: 995, tls: 'implicit' }],
    [
      { host: 'h.example', port: 110 },
      { host: 'h.example', port: 110, tls: 'stls' },
    ],
    [{ host: 'h.example:1995' }, { host: 'h.example', port: 1995, tls: 'implicit' }],
    [
      { host: '[::1]', tls: 'stls' },
      { host: '::1', port: 110, tls: 'stls' },
    ],
    [
      { host: 'h.example', tls: 'none' },
      { host: 'h.example', port: 110, tls: 'none' },
    ],
  ] as const)('by options %j is looked for nowhere', async (options, server) => {
    const discover = () => Promise.reject(new Error('was looked for'))
    const place = await askPlace('me@x.example', { ...none, ...options }, world({ discover }))
    expect(place.server).toEqual(server)
  })

  it.each([{ port: 110 }, { tls: 'none' }, { host: 'http://x' }, { host: 'h' }] as const)(
    'by options %j is refused without the rest',
    async (options) => {
      const address = 'host' in options && options.host === 'h' ? undefined : 'me@example.com'
      await expect(askPlace(address, { ...none, ...options }, world())).rejects.toMatchObject({
        code: 'USAGE',
      })
    },
  )

  it('keeps its TLS mode when it is confirmed once more', async () => {
    const server = { host: 'h.example', port: 8110, tls: 'stls' } as const
    const { asker } = person('', 'you')
    expect(await askPlaceAgain({ server, user: 'me' }, asker)).toEqual({ server, user: 'you' })
  })
})

describe('the name', () => {
  const config = parseConfig('[accounts.example]\nhost = "h"\nuser = "u"\n', 'c', '/')
  const place = { server: { host: 'h', port: 995, tls: 'implicit' }, user: 'u' } as const

  it.each([
    [undefined, 'example'],
    [config, 'me'],
  ])('is short and free', async (existing, name) => {
    const asked = await askName(place, 'me@example.com', none, world({ config: existing }))
    expect(asked).toBe(name)
  })

  it('is asked for until it is free', async () => {
    const { asker, heard } = person('example', 'pops://x', 'work')
    const asked = await askName(place, 'me@example.com', none, world({ asker, config }))
    expect(asked).toBe('work')
    expect(heard).toContain('there is an account called example already.')
    expect(heard).toContain('no account has :// in its name.')
  })

  it('comes with a word where the maildrop has an account', async () => {
    const { asker, heard } = person('work')
    await askName(place, 'me@example.com', none, world({ asker, config }))
    expect(heard).toContain('The account example is of this maildrop already.')
  })

  it('that is taken is refused as an option', async () => {
    const options = { ...none, name: 'example' }
    await expect(askName(place, 'me@x.example', options, world({ config }))).rejects.toThrow(
      '--name',
    )
  })
})

describe('the archive', () => {
  it('is the common one of the config, which is not repeated', async () => {
    const config = parseConfig('archive = "sqlite:/m.sqlite"\n', 'c', '/')
    expect(await askArchive(none, world({ config }))).toBeUndefined()
    expect(await askArchive(none, world({ config, asker: person('').asker }))).toBeUndefined()
  })

  it('is a new file of ours by default, and asked for until it can be one', async () => {
    const { asker } = person('imap:x', '')
    expect(await askArchive(none, world({ asker }))).toBe('sqlite:~/Mail/popkeep.sqlite')
  })

  it('is needed where nobody can be asked', async () => {
    await expect(askArchive(none, world())).rejects.toThrow('--archive')
  })
})

describe('the way to log in', () => {
  it('is a new file, a command, or asking; a keyring where there is one', async () => {
    const { asker, heard } = person('1', 'secret')
    expect(await askLogin('work', 'h.example', none, world({ asker }))).toEqual({
      type: 'fresh-file',
      file: 'work.password',
      secret: 'secret',
    })
    expect(heard.some((line) => line.includes('keyring'))).toBe(false)
    const other = person('1', 'secret')
    const keyring = world({ asker: other.asker, hasKeyring: async () => true })
    expect(await askLogin('work', 'h.example', none, keyring)).toMatchObject({ type: 'keyring' })
  })

  it('asks for no password that a command prints', async () => {
    const { asker } = person('2', '', 'pass show mail')
    expect(await askLogin('work', 'h.example', none, world({ asker }))).toEqual({
      type: 'command',
      command: 'pass show mail',
    })
  })

  it('proposes OAuth where nothing else works, and tells the hint first', async () => {
    const { asker, heard } = person('', 'id')
    expect(await askLogin('work', 'outlook.office365.com', none, world({ asker }))).toEqual({
      type: 'oauth',
      provider: 'microsoft',
      client: { id: 'id', secret: undefined },
      storage: 'file',
    })
    expect(heard[0]).toContain('only OAuth')
  })

  it.each([
    ['pop.gmail.com', ['', '1', 'secret'], { type: 'fresh-file', secret: 'secret' }],
    ['pop.gmail.com', ['1', '', 'id', 'word'], { client: { id: 'id', secret: 'word' } }],
    [
      'pop.gmail.com',
      ['2', 'oama access me'],
      { type: 'token-command', command: 'oama access me' },
    ],
    ['outlook.office365.com', ['3', '2', 'pizauth show me'], { type: 'token-command' }],
  ])('at %s after %j is %j', async (host, answers, login) => {
    const { asker, left } = person(...answers)
    expect(await askLogin('work', host, none, world({ asker }))).toMatchObject(login)
    expect(left).toEqual([])
  })

  it('takes the client that the config has', async () => {
    const { asker } = person('1')
    const known = world({ asker, hasOAuthTable: () => true })
    expect(await askLogin('work', 'pop.gmail.com', none, known)).toMatchObject({
      provider: 'google',
      client: undefined,
    })
  })

  it('asks for no password in a dry run', async () => {
    const { asker } = person('1')
    const dry = world({ asker, logsIn: false, writes: false })
    expect(await askLogin('work', 'h.example', none, dry)).toMatchObject({ secret: undefined })
  })

  it.each([
    [{ passwordFile: 'f' }, { type: 'file', path: 'f' }],
    [{ passwordCommand: 'c' }, { type: 'command', command: 'c' }],
    [{ tokenCommand: 'c' }, { type: 'token-command', command: 'c' }],
    [{ keyring: true }, { type: 'keyring', secret: 'from the environment' }],
    [{ askPassword: true }, { type: 'ask', secret: 'from the environment' }],
    [{ tlsCert: 'c.pem' }, { type: 'certificate' }],
    [
      { oauth: 'google', clientId: 'id', keyring: true },
      { type: 'oauth', client: { id: 'id' }, storage: 'keyring' },
    ],
  ] as const)('follows the options %j', async (options, login) => {
    const given = world({ environment: 'from the environment', hasKeyring: async () => true })
    expect(await askLogin('w', 'h.example', { ...none, ...options }, given)).toMatchObject(login)
  })

  it.each([
    [{}, '--password-file'],
    [{ passwordFile: 'f', passwordCommand: 'c' }, 'not both'],
    [{ passwordFile: 'f', keyring: true }, 'one way'],
    [{ passwordFile: 'f', tokenCommand: 'c' }, 'one way'],
    [{ askPassword: true, oauth: 'google' }, 'one way'],
    [{ keyring: true }, 'no keyring here'],
    [{ askPassword: true }, 'POPKEEP_PASSWORD'],
    [{ oauth: 'google' }, '--client-id'],
    [{ clientId: 'id', askPassword: true }, '--oauth'],
    [{ oauth: 'unheard', clientId: 'id' }, '[oauth.NAME]'],
  ] as const)('by options %j is refused', async (options, text) => {
    const login = askLogin('w', 'h.example', { ...none, ...options }, world())
    await expect(login).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(text),
    })
  })
})
