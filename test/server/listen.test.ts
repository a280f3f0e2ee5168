import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { IDLE_MS } from '../../src/server/limits.ts'
import type { ListenOptions, Pop3Server } from '../../src/server/listen.ts'
import { listen } from '../../src/server/listen.ts'
import type { MaildropMessage, MaildropSource } from '../../src/server/maildrop-source.ts'
import { mrose, personality, threeMessages } from './converse.ts'

const LOGIN = 'USER mrose\r\nPASS tanstaaf\r\n'

function start(options: Partial<ListenOptions> = {}): Promise<Pop3Server> {
  return listen({
    host: '127.0.0.1',
    port: 0,
    maildrops: [mrose()],
    personality,
    onFault: (fault) => {
      throw fault
    },
    ...options,
  })
}

/** Sends all at once, ends its side, and reads to the end. */
function talk(server: Pop3Server, commands: string): Promise<string> {
  const socket = connect(server.port, server.host)
  socket.end(commands)
  return text(socket)
}

/** Reads until what was heard holds the text. */
async function hear(socket: Socket, wanted: string): Promise<string> {
  let heard = ''
  while (!heard.includes(wanted)) {
    const [octets] = (await once(socket, 'data')) as [Buffer]
    heard += octets.toString('latin1')
  }
  return heard
}

/** A maildrop of one message that is made while it is read. */
function generated(octets: number, read: MaildropMessage['read']): MaildropSource {
  const message: MaildropMessage = { octets, uniqueId: 'large', accessed: false, read }
  return {
    open: () =>
      Promise.resolve({ messages: [message], commit: () => Promise.resolve(), release: () => {} }),
  }
}

describe('listen', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'localhost'])('refuses %s', async (host) => {
    await expect(start({ host: host as '127.0.0.1' })).rejects.toMatchObject({
      code: 'SERVER_NOT_LOOPBACK',
    })
  })

  it('reports a port in use', async () => {
    await using server = await start()
    await expect(start({ port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('gives the maildrop to one session at a time', async () => {
    await using server = await start()
    const first = connect(server.port, server.host)
    first.write(LOGIN)
    await hear(first, 'has 3 messages')
    expect(await talk(server, `${LOGIN}QUIT\r\n`)).toContain(
      '-ERR [IN-USE] Maildrop lock busy!  Is another session active?\r\n',
    )
    first.write('QUIT\r\n')
    await hear(first, 'signing off')
    expect(await talk(server, `${LOGIN}QUIT\r\n`)).toContain('+OK mrose has 3 messages')
  })

  it('keeps everything, and frees the lock, when a connection drops', async () => {
    const source = threeMessages()
    await using server = await start({ maildrops: [mrose(source)] })
    const socket = connect(server.port, server.host)
    socket.on('error', () => {})
    socket.write(`${LOGIN}DELE 1\r\n`)
    await hear(socket, 'has been deleted')
    socket.resetAndDestroy()
    let reply = ''
    for (let attempt = 0; attempt < 1000 && !reply.includes('has 3 messages'); attempt += 1) {
      reply = await talk(server, `${LOGIN}QUIT\r\n`)
    }
    expect(reply).toContain('+OK mrose has 3 messages')
    expect(source.messages).toHaveLength(3)
  })

  it('does not enter the update state when the client ends without QUIT', async () => {
    const source = threeMessages()
    await using server = await start({ maildrops: [mrose(source)] })
    expect(await talk(server, `${LOGIN}DELE 1\r\n`)).toContain('has been deleted')
    expect(source.messages).toHaveLength(3)
    await talk(server, `${LOGIN}DELE 1\r\nQUIT\r\n`)
    expect(source.messages).toHaveLength(2)
  })

  it('logs idle sessions out without a word, and without the update state', async () => {
    const source = threeMessages()
    const timers: { ms: number; expire: () => void; isRunning: boolean }[] = []
    await using server = await start({
      maildrops: [mrose(source)],
      startTimer: (ms, expire) => {
        const timer = { ms, expire, isRunning: true }
        timers.push(timer)
        return () => {
          timer.isRunning = false
        }
      },
    })
    const socket = connect(server.port, server.host)
    socket.write(`${LOGIN}DELE 1\r\n`)
    await hear(socket, 'has been deleted')
    const running = timers.filter(({ isRunning }) => isRunning)
    expect(running.map(({ ms }) => ms)).toEqual([IDLE_MS])
    const rest = text(socket)
    running[0]?.expire()
    expect(await rest).toBe('')
    expect(source.messages).toHaveLength(3)
  })

  it('fetches no more of a message than the client takes', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const chunks = 4096
    let fetched = 0
    const source = generated(chunk.length * chunks, function* () {
      for (; fetched < chunks; fetched += 1) yield chunk
    })
    await using server = await start({ maildrops: [mrose(source)] })
    const socket = connect(server.port, server.host)
    socket.write(`${LOGIN}RETR 1\r\n`)
    await hear(socket, 'octets\r\n')
    socket.pause()
    let before = -1
    for (let turn = 0; turn < 1000 && before !== fetched; turn += 1) {
      before = fetched
      for (let wait = 0; wait < 50; wait += 1) await new Promise((next) => setImmediate(next))
    }
    expect(fetched).toBeLessThan(chunks / 4)
    socket.destroy()
  })

  it('sends what is complete while a message is waited for', async () => {
    let release = (): void => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const source = generated(14, async function* () {
      await released
      yield Buffer.from('Subject: x\r\n\r\n')
    })
    await using server = await start({ maildrops: [mrose(source)] })
    const socket = connect(server.port, server.host)
    socket.write(`${LOGIN}STAT\r\nRETR 1\r\nQUIT\r\n`)
    expect(await hear(socket, '14 octets\r\n')).toContain('+OK 1 14\r\n')
    release()
    expect(await hear(socket, 'signing off')).toContain('Subject: x\r\n\r\n.\r\n')
  })

  it('reads no more of a message than TOP shows', async () => {
    let fetched = 0
    const source = generated(1000, function* () {
      for (; fetched < 100; fetched += 1) yield Buffer.from('Subject: x\r\n\r\nline\r\n')
    })
    await using server = await start({ maildrops: [mrose(source)] })
    expect(await talk(server, `${LOGIN}TOP 1 0\r\nQUIT\r\n`)).toContain(
      '+OK Message follows\r\nSubject: x\r\n\r\n.\r\n+OK Pop server',
    )
    expect(fetched).toBe(0)
  })

  it('cuts the connection when a message cannot be read to its end', async () => {
    const faults: unknown[] = []
    const source = generated(1000, function* () {
      yield Buffer.from('Subject: half\r\n')
      throw new Error('disk')
    })
    await using server = await start({
      maildrops: [mrose(source)],
      onFault: (fault) => faults.push(fault),
    })
    const heard = await talk(server, `${LOGIN}RETR 1\r\nNOOP\r\n`).catch(() => '')
    expect(heard).not.toContain('\r\n.\r\n')
    expect(faults).toEqual([new Error('disk')])
  })

  it('answers [SYS/TEMP] when the maildrop does not open or not commit, and frees the lock', async () => {
    const faults: unknown[] = []
    let isBroken = true
    const source: MaildropSource = {
      open: async () => {
        if (isBroken) throw new Error('not now')
        return { messages: [], commit: () => Promise.reject(new Error('full')), release: () => {} }
      },
    }
    await using server = await start({
      maildrops: [mrose(source)],
      onFault: (fault) => faults.push(fault),
    })
    expect(await talk(server, LOGIN)).toContain('-ERR [SYS/TEMP] Unable to open the maildrop.\r\n')
    isBroken = false
    expect(await talk(server, `${LOGIN}QUIT\r\n`)).toContain(
      '-ERR [SYS/TEMP] Some deleted messages were not removed.\r\n',
    )
    expect(await talk(server, LOGIN)).toContain('+OK mrose has 0 messages')
    expect(faults).toEqual([new Error('not now'), new Error('full')])
  })

  it('sends the last reply though the client has more to say', async () => {
    await using server = await start()
    const heard = await talk(server, 'xyzzy\r\n'.repeat(200_000))
    expect(heard).toMatch(/-ERR Too many errors\.\r\n$/)
  })
})
