import { afterEach, describe, expect, it, vi } from 'vitest'

import {
  type DiscoveryPorts,
  discoverServer,
  type MxRecord,
  type SrvRecord,
} from '../../src/accounts/discovery.ts'
import { MAX_RECORDS } from '../../src/accounts/limits.ts'
import type { PopServer } from '../../src/accounts/mail-provider.ts'

const never = new AbortController().signal

/** A world with these records, in which only these servers greet. */
function world(
  zone: {
    readonly srv?: Record<string, readonly Partial<SrvRecord>[]>
    readonly mx?: readonly MxRecord[]
    readonly servers?: readonly string[]
  } = {},
) {
  const probed: string[] = []
  const asked: string[] = []
  const missing = Object.assign(new Error('queryA ENOTFOUND'), { code: 'ENOTFOUND' })
  const ports: DiscoveryPorts = {
    async resolveSrv(name) {
      asked.push(`SRV ${name}`)
      const records = zone.srv?.[name]
      if (records === undefined) throw missing
      return records.map((record) => ({ name: '', port: 995, priority: 0, weight: 1, ...record }))
    },
    async resolveMx(name) {
      asked.push(`MX ${name}`)
      if (zone.mx === undefined) throw missing
      return zone.mx
    },
    async probe(server) {
      probed.push(text(server))
      if (zone.servers?.includes(text(server))) return true
      throw new Error('refused')
    },
    random: () => 0.5,
  }
  return { ports, probed, asked }
}

const text = ({ host, port, tls }: PopServer): string => `${tls} ${host}:${port}`

describe('an address of a known provider', () => {
  it('needs no look at the network', async () => {
    const { ports, probed, asked } = world()
    const discovery = await discoverServer('me@gmail.com', ports, never)
    expect(discovery?.found).toMatchObject({
      server: { host: 'pop.gmail.com', port: 995, tls: 'implicit' },
      user: 'me@gmail.com',
      origin: 'table',
      isElsewhere: false,
    })
    expect([...probed, ...asked]).toEqual([])
  })

  it('is refused with a sentence where it has no POP', async () => {
    const discovery = await discoverServer('me@icloud.com', world().ports, never)
    expect(discovery).toMatchObject({ found: undefined, refusal: expect.stringContaining('IMAP') })
  })
})

describe('SRV records', () => {
  it('lead to TLS from the first octet before STLS', async () => {
    const { ports, probed } = world({
      srv: {
        '_pop3s._tcp.example.com': [{ name: 'pop.example.com', port: 9950 }],
        '_pop3._tcp.example.com': [{ name: 'pop.example.com', port: 110 }],
      },
      servers: ['implicit pop.example.com:9950', 'stls pop.example.com:110'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found).toMatchObject({
      server: { host: 'pop.example.com', port: 9950, tls: 'implicit' },
      origin: 'srv',
      evidence: '_pop3s._tcp.example.com',
      isElsewhere: false,
    })
    expect(probed).toEqual(['implicit pop.example.com:9950'])
  })

  it('lead to STLS where that alone is announced', async () => {
    const { ports } = world({
      srv: { '_pop3._tcp.example.com': [{ name: 'pop.example.com', port: 110 }] },
      servers: ['stls pop.example.com:110'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found?.server.tls).toBe('stls')
  })

  it('are tried by priority, and passed over where nobody answers', async () => {
    const { ports, probed } = world({
      srv: {
        '_pop3s._tcp.example.com': [
          { name: 'c.example.com', priority: 30 },
          { name: 'b.example.com', priority: 20 },
          { name: 'a.example.com', priority: 10 },
        ],
      },
      servers: ['implicit b.example.com:995', 'implicit c.example.com:995'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found?.server.host).toBe('b.example.com')
    expect(probed).toEqual(['implicit a.example.com:995', 'implicit b.example.com:995'])
  })

  it.each([
    // u ** (1 / weight), the larger first: 0.9 and 0.977, then 0.99 and 0.977.
    [[0.9, 0.1], 'b.example.com'],
    [[0.99, 0.1], 'a.example.com'],
  ])('of one priority are drawn by weight: %j', async (draws, host) => {
    const { ports, probed } = world({
      srv: {
        '_pop3s._tcp.example.com': [
          { name: 'a.example.com', weight: 1 },
          { name: 'b.example.com', weight: 100 },
        ],
      },
    })
    const left = [...draws]
    await discoverServer('me@example.com', { ...ports, random: () => left.shift() ?? 0 }, never)
    expect(probed[0]).toBe(`implicit ${host}:995`)
  })

  it('declare that there is none by a dot, and then nothing is guessed', async () => {
    const { ports, probed, asked } = world({
      srv: {
        '_pop3s._tcp.example.com': [{ name: '.', port: 0 }],
        '_pop3._tcp.example.com': [{ name: '', port: 0 }],
      },
      servers: ['implicit pop.example.com:995'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery).toMatchObject({
      found: undefined,
      refusal: 'example.com declares in the DNS that it has no POP',
    })
    expect(probed).toEqual([])
    expect(asked).not.toContain('MX example.com')
  })

  it('without clear text, as Fastmail has them, still lead to the server', async () => {
    const { ports } = world({
      srv: {
        '_pop3s._tcp.example.com': [{ name: 'pop.fastmail.com' }],
        '_pop3._tcp.example.com': [{ name: '.', port: 0 }],
      },
      servers: ['implicit pop.fastmail.com:995'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found).toMatchObject({ isElsewhere: true, provider: { name: 'Fastmail' } })
  })

  it('that lead out of the domain say so', async () => {
    const { ports } = world({
      srv: { '_pop3s._tcp.example.com': [{ name: 'pop.example.com.evil.example' }] },
      servers: ['implicit pop.example.com.evil.example:995'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found).toMatchObject({ isElsewhere: true, origin: 'srv' })
  })

  it.each([
    ['127.0.0.1', 995],
    ['localhost', 995],
    ['pop.example.com/evil', 995],
    ['pop.exam\nple.com', 995],
    ['\u001b]0;x\u0007.example.com', 995],
    ['_pop3s._tcp.example.com', 995],
    ['a'.repeat(64), 995],
    ['pop.example.com', 0],
    ['pop.example.com', 65_536],
  ])('that name no possible server (%j, %i) are not probed but told', async (name, port) => {
    const { ports, probed } = world({
      srv: { '_pop3s._tcp.example.com': [{ name, port }] },
      servers: ['implicit pop.example.com:995'],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.ignored).toEqual([`${name}:${port}`])
    expect(discovery?.found?.origin).toBe('guess')
    expect(probed.every((server) => /^\w+ (\w+\.)?example\.com:\d+$/.test(server))).toBe(true)
  })

  it('are looked at up to a bound', async () => {
    const many = Array.from({ length: 300 }, (_, index) => ({ name: `h${index}.example.com` }))
    const { ports, probed } = world({ srv: { '_pop3s._tcp.example.com': many } })
    await discoverServer('me@example.com', ports, never)
    expect(probed.filter((server) => /h\d/.test(server))).toHaveLength(MAX_RECORDS)
  })
})

describe('mail exchangers', () => {
  it('of a known provider lead to its server, as a proposal', async () => {
    const { ports, probed } = world({
      mx: [
        { exchange: 'filter.example.net', priority: 20 },
        { exchange: 'example-com.mail.protection.outlook.com', priority: 10 },
      ],
    })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery?.found).toMatchObject({
      server: { host: 'outlook.office365.com' },
      origin: 'mx',
      evidence: 'example-com.mail.protection.outlook.com',
      isElsewhere: true,
      provider: { oauth: 'microsoft' },
    })
    expect(probed).toEqual([])
  })

  it('of a provider without POP end the search', async () => {
    const { ports } = world({ mx: [{ exchange: 'mail.protonmail.ch', priority: 10 }] })
    const discovery = await discoverServer('me@example.com', ports, never)
    expect(discovery).toMatchObject({
      found: undefined,
      refusal: expect.stringContaining('Proton'),
    })
  })
})

describe('guesses', () => {
  it.each([
    [['implicit pop.example.com:995', 'implicit mail.example.com:995'], 'pop.example.com', 995],
    [['implicit example.com:995', 'stls pop.example.com:110'], 'example.com', 995],
    [['stls mail.example.com:110', 'stls pop3.example.com:110'], 'pop3.example.com', 110],
  ])('where %j answer take %s:%i', async (servers, host, port) => {
    const { ports } = world({ servers, mx: [{ exchange: 'mx.example.com', priority: 1 }] })
    const discovery = await discoverServer('me@Example.COM', ports, never)
    expect(discovery?.found).toMatchObject({
      server: { host, port },
      user: 'me@Example.COM',
      origin: 'guess',
      isElsewhere: false,
    })
  })

  it('find nothing where nobody answers, and ask no other host', async () => {
    const { ports, probed } = world()
    const discovery = await discoverServer('me@b\u00fccher.example', ports, never)
    expect(discovery).toEqual({ found: undefined, refusal: undefined, ignored: [] })
    expect(probed).toHaveLength(8)
    expect(probed).toContain('implicit pop.xn--bcher-kva.example:995')
    expect(probed.some((server) => server.startsWith('none'))).toBe(false)
  })
})

describe('the search', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends though neither DNS nor server ever answers', async () => {
    vi.useFakeTimers()
    const silence = (): Promise<never> => new Promise(() => undefined)
    const ports = { resolveSrv: silence, resolveMx: silence, probe: silence, random: () => 0 }
    const discovery = discoverServer('me@example.com', ports, never)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(await discovery).toMatchObject({ found: undefined, refusal: undefined })
  })

  it('tells what takes too long to stop', async () => {
    vi.useFakeTimers()
    const stopped = vi.fn()
    const ports: DiscoveryPorts = {
      ...world().ports,
      probe: (_server, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            stopped()
            reject(new Error('stopped'))
          })
        }),
    }
    const discovery = discoverServer('me@example.com', ports, never)
    await vi.advanceTimersByTimeAsync(60_000)
    await discovery
    expect(stopped).toHaveBeenCalledTimes(8)
  })

  it('ends with the reason of its signal', async () => {
    const abort = new AbortController()
    const reason = new Error('interrupted')
    const ports = {
      ...world().ports,
      resolveSrv: () => {
        abort.abort(reason)
        return new Promise<never>(() => undefined)
      },
    }
    await expect(discoverServer('me@example.com', ports, abort.signal)).rejects.toBe(reason)
  })

  it.each(['me', 'me@', 'me@127.0.0.1', 'me@exa mple.com'])('is not begun for %j', async (no) => {
    const { ports, asked } = world()
    expect(await discoverServer(no, ports, never)).toBeUndefined()
    expect(asked).toEqual([])
  })
})
