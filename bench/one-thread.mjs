// node one-thread.mjs PORT USER PASSWORD WINDOW FILE: what is to be had where nothing is promised. One thread retrieves all and
// stores it in an SQLite file: groups of 200, one digest, four header fields. Nothing is compared, checked or remembered.
import { createHash } from 'node:crypto'
import { connect } from 'node:net'
import Database from 'better-sqlite3'

const LINE_END = Buffer.from('\r\n')
const TERMINATOR = Buffer.from('\r\n.\r\n')
const HEADER_END = Buffer.from('\r\n\r\n')
const STUFFED = Buffer.from('\r\n..')
const GROUP = 200
const FIELDS = ['From', 'Subject', 'Date', 'Message-ID'].map(
  (name) => new RegExp(`^${name}:[ \\t]*(.*)`, 'im'),
)

const [port, user, password, window, file] = process.argv.slice(2)
const database = new Database(file)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`
  CREATE TABLE message (id INTEGER PRIMARY KEY, digest BLOB UNIQUE, octets INTEGER,
    sender TEXT, subject TEXT, date TEXT, message_id TEXT, archived_at TEXT);
  CREATE TABLE content (message INTEGER PRIMARY KEY, octets BLOB);
  CREATE TABLE receipt (unique_id TEXT PRIMARY KEY, message INTEGER) WITHOUT ROWID`)
const insertMessage = database.prepare(
  'INSERT OR IGNORE INTO message VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)',
)
const insertContent = database.prepare('INSERT INTO content VALUES (?, ?)')
const insertReceipt = database.prepare('INSERT OR REPLACE INTO receipt VALUES (?, ?)')

const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true })
const chunks = socket[Symbol.asyncIterator]()
let unread = Buffer.alloc(0)
let asked = 0
let came = 0
let uniqueIds = []

await until(LINE_END)
for (const command of [`USER ${user}`, `PASS ${password}`]) {
  socket.write(`${command}\r\n`)
  await until(LINE_END)
}
socket.write('LIST\r\nUIDL\r\n')
await until(TERMINATOR)
const rows = (await until(TERMINATOR)).toString('latin1').split('\r\n').slice(1, -2)
uniqueIds = rows.map((row) => row.slice(row.indexOf(' ') + 1))
while (came < uniqueIds.length) {
  database.exec('BEGIN IMMEDIATE')
  for (const end = Math.min(came + GROUP, uniqueIds.length); came < end; came += 1) {
    const reply = await until(TERMINATOR)
    store(uniqueIds[came], unstuffed(reply.subarray(reply.indexOf('\n') + 1, -3)))
  }
  database.exec('COMMIT')
}
database.close()
socket.end('QUIT\r\n')

function store(uniqueId, octets) {
  const digest = createHash('sha256').update(octets).digest()
  const end = octets.indexOf(HEADER_END)
  const header = octets.toString('latin1', 0, end < 0 ? octets.length : end)
  const facts = FIELDS.map((field) => field.exec(header)?.[1] ?? null)
  const at = new Date().toISOString()
  const { changes, lastInsertRowid } = insertMessage.run(digest, octets.length, ...facts, at)
  if (changes > 0) insertContent.run(lastInsertRowid, octets)
  insertReceipt.run(uniqueId, lastInsertRowid)
}

function unstuffed(octets) {
  const pieces = []
  let from = 0
  for (let at = octets.indexOf(STUFFED); at >= 0; at = octets.indexOf(STUFFED, from)) {
    pieces.push(octets.subarray(from, at + 3))
    from = at + STUFFED.length
  }
  return from === 0 ? octets : Buffer.concat([...pieces, octets.subarray(from)])
}

/** The octets that come, up to the next `mark` and with it. */
async function until(mark) {
  const pieces = []
  let tail = Buffer.alloc(0)
  for (;;) {
    const across = Buffer.concat([tail, unread.subarray(0, mark.length - 1)]).indexOf(mark)
    const at = across < 0 ? unread.indexOf(mark) : across - tail.length
    if (across >= 0 || at >= 0) {
      pieces.push(unread.subarray(0, at + mark.length))
      unread = unread.subarray(at + mark.length)
      return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces)
    }
    pieces.push(unread)
    tail = Buffer.concat([tail, unread.subarray(1 - mark.length)]).subarray(1 - mark.length)
    ask()
    const { done, value } = await chunks.next()
    if (done) throw new Error('the server closed the connection')
    unread = value
  }
}

/** One write for all commands that the window has room for. */
function ask() {
  const upTo = Math.min(uniqueIds.length, came + Number(window))
  let commands = ''
  while (asked < upTo) commands += `RETR ${++asked}\r\n`
  if (commands) socket.write(commands)
}
