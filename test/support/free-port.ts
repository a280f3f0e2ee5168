import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** Below all ports that Linux, macOS and the BSDs give to connections and to servers that ask for any port. */
const [LEAST, MOST] = [15_000, 32_000]

const ATTEMPTS = 100

/**
 * A loopback port on which nothing listens now, and which no connection and no other server of these tests is given. For
 * programs that cannot be given port 0.
 */
export async function freePort(): Promise<number> {
  let cause: unknown
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LEAST, MOST)
    const server = createServer()
    try {
      await once(server.listen(port, '127.0.0.1'), 'listening')
    } catch (error) {
      cause = error
      continue
    }
    server.close()
    await once(server, 'close')
    return port
  }
  throw new Error(`none of ${ATTEMPTS} ports is free`, { cause })
}
