// F6: the memory that one large message takes. Sent by a server of our own, so that nobody's disk has to hold it first.
import { once } from 'node:events'
import { createServer } from 'node:net'
import { popkeep } from './contestants.mjs'
import { goal, look } from './goals.mjs'
import { fromEmpty, rowOf } from './measure.mjs'

const LINE = `${'All work and no play. '.repeat(3)}\r\n`
const BLOCK = Buffer.from(LINE.repeat(1024))
const HEADER = Buffer.from('From: a@example.com\r\nSubject: large\r\n\r\n')

const PEAK_MB = 150

export async function largeMessage(bench) {
  const blocks = Math.ceil(bench.sizes.largeMessage / BLOCK.length)
  const server = await serve(blocks)
  const at = { user: 'large', messages: 1, port: server.address().port, folder: bench.folder }
  try {
    const rows = []
    for (const contestant of [popkeep('sqlite'), popkeep('maildir')]) {
      rows.push(rowOf(contestant.name, [await fromEmpty(contestant, at)]))
    }
    const name = `one message of ${bench.count(Math.round((blocks * BLOCK.length) / 2 ** 20))} MiB`
    return { name, rows, goals: [] }
  } finally {
    server.close()
    await once(server, 'close')
  }
}

/** The most that the program took in any work. */
export function memoryGoal(reports) {
  const peaks = reports.map(({ rows }) => look(rows).peakMB('popkeep')).filter(Number.isFinite)
  if (peaks.length === 0) return []
  return [goal('F6', 'peak memory of popkeep in all works, MB', Math.max(...peaks), PEAK_MB)]
}

async function serve(blocks) {
  const octets = HEADER.length + blocks * BLOCK.length
  const answers = {
    CAPA: '+OK\r\nUSER\r\nUIDL\r\nTOP\r\n.\r\n',
    STAT: `+OK 1 ${octets}\r\n`,
    LIST: `+OK\r\n1 ${octets}\r\n.\r\n`,
    UIDL: '+OK\r\n1 large\r\n.\r\n',
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('+OK\r\n')
    socket.on('data', async (commands) => {
      for (const line of commands.toString('latin1').split('\r\n').slice(0, -1)) {
        const word = line.split(' ')[0].toUpperCase()
        if (word === 'RETR') await send(socket, blocks)
        else socket.write(answers[word] ?? '+OK\r\n')
        if (word === 'QUIT') socket.end()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function send(socket, blocks) {
  socket.write('+OK\r\n')
  socket.write(HEADER)
  for (let block = 0; block < blocks; block++) {
    if (!socket.write(BLOCK)) await once(socket, 'drain')
  }
  socket.write('.\r\n')
}
