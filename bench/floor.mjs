// node floor.mjs PORT USER PASSWORD WINDOW: the least that a pipelined POP3 client can do. Logs in, reads UIDL and LIST,
// and asks for every message with up to WINDOW commands outstanding; what comes is counted and dropped.
import { connect } from 'node:net'

const TERMINATOR = Buffer.from('\r\n.\r\n')
/** The octets of a terminator that may stand at the end of a chunk, its rest in the next. */
const MOST_KEPT = TERMINATOR.length - 1

const [port, user, password, window] = process.argv.slice(2)
const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })

const greeted = replies({ lines: 1 })
await greeted
socket.write(`USER ${user}\r\n`)
await replies({ lines: 1 })
socket.write(`PASS ${password}\r\n`)
await replies({ lines: 1 })
socket.write('STAT\r\nLIST\r\nUIDL\r\n')
const [stat] = await replies({ lines: 1, multiLines: 2 })
const messages = Number(stat.split(' ')[1])

const end = replies({ multiLines: messages, answered: ask })
let asked = 0
ask(0)
await end
socket.write('QUIT\r\n')
await replies({ lines: 1 })
socket.destroy()

/** One write for all commands that the window has room for. */
function ask(answered) {
  const upTo = Math.min(messages, answered + Number(window))
  let commands = ''
  while (asked < upTo) commands += `RETR ${++asked}\r\n`
  if (commands) socket.write(commands)
}

/** Reads so many lines, then so many multi-line replies; hears how many of those came after each chunk. */
function replies({ lines = 0, multiLines = 0, answered = () => {} }) {
  return new Promise((resolve, reject) => {
    let linesLeft = lines
    let came = 0
    let text = ''
    let kept = Buffer.alloc(0)
    const done = (error) => {
      socket.off('data', hear).off('close', broke)
      if (error) reject(error)
      else resolve(text.split('\r\n'))
    }
    const broke = () => done(new Error('the server closed the connection'))
    const hear = (chunk) => {
      let octets = chunk
      while (linesLeft > 0) {
        const at = octets.indexOf('\n')
        text += octets.subarray(0, at < 0 ? octets.length : at + 1)
        if (at < 0) return
        octets = octets.subarray(at + 1)
        linesLeft -= 1
      }
      if (text.startsWith('-ERR')) return done(new Error(text))
      if (came < multiLines) {
        const seam = Buffer.concat([kept, octets.subarray(0, MOST_KEPT)])
        if (seam.indexOf(TERMINATOR) >= 0) came += 1
        for (let at = octets.indexOf(TERMINATOR); at >= 0; ) {
          came += 1
          at = octets.indexOf(TERMINATOR, at + TERMINATOR.length)
        }
        kept = Buffer.concat([kept, octets.subarray(-MOST_KEPT)]).subarray(-MOST_KEPT)
        answered(came)
      }
      if (came >= multiLines) done()
    }
    socket.on('data', hear).on('close', broke)
  })
}
