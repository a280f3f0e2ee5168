/** Entry of the writer's thread. It ends when the other side closes the channel. */
import { parentPort } from 'node:worker_threads'
import { loadDriverAhead } from '../sqlite/driver.ts'
import type { FromWriter, ToWriter, WriterPort } from './channel.ts'
import { systemSources } from './open.ts'
import { WriterService } from './writer-service.ts'

if (parentPort) {
  const thread = parentPort
  const port: WriterPort<FromWriter, ToWriter> = {
    send: (message, transfer = []) => thread.postMessage(message, [...transfer]),
    receive: (hear) => thread.on('message', hear),
  }
  new WriterService(port, {
    now: () => systemSources.now(),
    startTimer: (act, ms) => {
      const timer = setTimeout(act, ms)
      return () => clearTimeout(timer)
    },
  })
  // The main thread is still loading: what opens the archive comes later.
  loadDriverAhead()
}
