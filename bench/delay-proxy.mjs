import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** Above this, a side is not read until what waits was handed on: a wire holds no more either. */
const MOST_WAITING_OCTETS = 16 * 2 ** 20

/**
 * A relay to a port on loopback that hands each octet on half a round trip after it came, both ways, and does not limit how
 * many are under way. `roundTrips` counts the times that a client spoke after it had been answered.
 */
export async function delayProxy(targetPort, roundTripMs) {
  const sockets = new Set()
  let roundTrips = 0
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', noDelay: true })
    let isAnswered = true
    delay(client, upstream, roundTripMs / 2)
    delay(upstream, client, roundTripMs / 2)
    client.on('data', () => {
      if (isAnswered) roundTrips += 1
      isAnswered = false
    })
    upstream.on('data', () => {
      isAnswered = true
    })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        setTimeout(() => other.destroy(), roundTripMs)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: server.address().port,
    takeRoundTrips() {
      const taken = roundTrips
      roundTrips = 0
      return taken
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function delay(from, to, ms) {
  let waiting = 0
  const later = (work) => setTimeout(work, ms)
  from.on('data', (chunk) => {
    waiting += chunk.length
    if (waiting > MOST_WAITING_OCTETS) from.pause()
    later(() => {
      waiting -= chunk.length
      if (waiting <= MOST_WAITING_OCTETS) from.resume()
      if (!to.destroyed) to.write(chunk)
    })
  })
  from.on('end', () => later(() => to.end()))
}
