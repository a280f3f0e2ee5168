/** A POP3 server with one message that exists only while it is sent. */
import { createHash, type Hash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export interface LargeMessageServer {
  readonly port: number
  /** What LIST announces and RETR sends. */
  readonly octets: number
  /** SHA-256 (hex) of the message as it was last sent. */
  digest(): string
  close(): Promise<void>
}

const HEADER = Buffer.from(
  'From: big@example.com\r\nTo: me@example.com\r\nSubject: large\r\nMessage-ID: <large@example.com>\r\n\r\n',
)

/** 64 KiB of lines; none begins with a dot. */
const BLOCK = Buffer.from(`${'popkeep '.repeat(8).slice(0, 62)}\r\n`.repeat(1024))

/** 64 KiB of a line that goes on in the next block, with NUL, bare CR, 8-bit octets and dots in it. */
export const ENDLESS_LINE = Buffer.from('\0\r. \xa0\xff..'.repeat(8192), 'latin1')

/** Serves a message of so many blocks of 64 KiB, and a header, to any user. */
export async function serveLargeMessage(
  blocks: number,
  block: Buffer = BLOCK,
): Promise<LargeMessageServer> {
  const end = block.at(-1) === 0x0a ? '' : '\r\n'
  const octets = HEADER.length + blocks * block.length + end.length
  let hash: Hash | undefined
  const sockets = new Set<Socket>()

  function* message() {
    hash = createHash('sha256')
    yield '+OK\r\n'
    hash.update(HEADER)
    yield HEADER
    for (let sent = 0; sent < blocks; sent++) {
      hash.update(block)
      yield block
    }
    hash.update(end)
    yield `${end}.\r\n`
  }

  const replies: Readonly<Record<string, string>> = {
    CAPA: '+OK\r\nUSER\r\nUIDL\r\nTOP\r\nPIPELINING\r\n.\r\n',
    STAT: `+OK 1 ${octets}\r\n`,
    LIST: `+OK\r\n1 ${octets}\r\n.\r\n`,
    UIDL: '+OK\r\n1 large\r\n.\r\n',
    TOP: `+OK\r\n${HEADER}.\r\n`,
    USER: '+OK\r\n',
    PASS: '+OK\r\n',
    NOOP: '+OK\r\n',
    QUIT: '+OK\r\n',
  }

  async function converse(socket: Socket): Promise<void> {
    socket.write('+OK one large message\r\n')
    for await (const line of createInterface({ input: socket })) {
      const [verb = ''] = line.toUpperCase().split(' ')
      if (verb === 'RETR') await pipeline(Readable.from(message()), socket, { end: false })
      else socket.write(replies[verb] ?? '-ERR unknown command\r\n')
      if (verb === 'QUIT') socket.end()
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A client that went away is the test's business, not the server's.
    converse(socket).catch(() => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')

  return {
    port: address.port,
    octets,
    digest: () => hash?.copy().digest('hex') ?? '',
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
