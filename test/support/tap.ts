/** A relay between a client and a server in clear text that notes the commands, and can hold the replies back. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export interface Tap {
  readonly port: number
  /** The command lines that passed since the last call, of all connections, in order. */
  take(): readonly string[]
  /** From now on a connection is held, at the server's side, once it has brought so many octets. Resolves when one is. */
  holdAfter(octets: number): Promise<void>
  /** Lets everything pass again. */
  release(): void
  close(): Promise<void>
}

/**
 * Listens on a loopback port of its own and relays each connection to `target` on loopback. `from`: the address that the
 * server is to see; Linux has all of 127.0.0.0/8.
 */
export async function startTap(target: number, from = '127.0.0.1'): Promise<Tap> {
  let commands: string[] = []
  let limit = Number.POSITIVE_INFINITY
  const heldSockets = new Set<Socket>()
  const sockets = new Set<Socket>()
  let onHold = () => {}

  const server = createServer((client) => {
    const upstream = connect({ port: target, host: '127.0.0.1', localAddress: from })
    let line = ''
    client.on('data', (octets) => {
      const lines = (line + octets.toString('latin1')).split('\n')
      line = lines.pop() ?? ''
      commands.push(...lines.map((text) => text.trimEnd()))
    })
    let brought = 0
    upstream.on('data', (octets: Buffer) => {
      brought += octets.length
      client.write(octets)
      if (brought < limit) return
      upstream.pause()
      heldSockets.add(upstream)
      onHold()
    })
    client.pipe(upstream)
    upstream.on('end', () => client.end())
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      // A peer that was killed resets: the other side must see an end, the test judges the rest.
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        heldSockets.delete(socket)
        if (socket === client) upstream.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')

  return {
    port: address.port,
    take: () => {
      const taken = commands
      commands = []
      return taken
    },
    holdAfter: (octets) => {
      limit = octets
      return new Promise((resolve) => {
        onHold = resolve
      })
    },
    release: () => {
      limit = Number.POSITIVE_INFINITY
      for (const socket of heldSockets) socket.resume()
      heldSockets.clear()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
