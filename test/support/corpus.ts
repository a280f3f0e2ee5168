/**
 * Mail by a fixed seed: the same octets on every machine, in every run.
 *
 * Messages are made as files of a server's Maildir (lines mostly end in LF); `wireOctets` tells what Dovecot makes of
 * them on the way to the client.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeRandom, type Random } from './random.ts'

/** What a client must get for one message of the maildrop. */
export interface ExpectedMessage {
  /** SHA-256 of the octets on the wire, byte-stuffing undone, hex. */
  readonly digest: string
  readonly octets: number
}

/** Shares of message sizes in real maildrops, roughly: most are small, few hold most of the octets. */
const SIZES = [
  { below: 0.7, from: 300, to: 10_000 },
  { below: 0.9, from: 10_000, to: 100_000 },
  { below: 0.988, from: 100_000, to: 500_000 },
  { below: 1, from: 500_000, to: 5_000_000 },
] as const

/** Messages of 300 octets to 5 MB, the first of them the odd ones of `oddMessages`; 1,000 are about 52 MB. */
export function* mixedCorpus(messages: number): Generator<Buffer> {
  const random = makeRandom(1)
  const odd = oddMessages(random)
  for (let index = 0; index < messages; index++) {
    yield odd[index] ?? mixedMessage(random, index)
  }
}

/** Plain messages of 1 to 5 kB; 20,000 are about 60 MB. */
export function* smallCorpus(messages: number): Generator<Buffer> {
  const random = makeRandom(2)
  for (let index = 0; index < messages; index++) {
    const header = headerOf(random, index, 'text/plain; charset=utf-8')
    yield Buffer.from(header + textOf(random, random.between(750, 4700)))
  }
}

/** Messages that a reader of lines, of text or of sizes gets wrong. Some are equal or nearly so: all must arrive. */
export function oddMessages(random: Random): readonly Buffer[] {
  const plain = (subject: string) => `${headerOf(random, 0, 'text/plain', subject)}`
  const twin = `${plain('twin')}The same octets twice.\n`
  return [
    Buffer.from(twin),
    Buffer.from(twin),
    Buffer.from(`${twin}\n\n`),
    Buffer.from(`${plain('dots')}.\n..\n...\n.dot\n. \n.\r\n\n.\n`),
    Buffer.from(`${plain('no final newline')}the end`),
    Buffer.from(`${plain('final dot, no newline')}the end\n.`),
    Buffer.from(`${plain('final bare CR')}the end\r`),
    Buffer.from(`${plain('bare CR')}one\rtwo\r\rthree\n.\r.\n`),
    Buffer.from(`${plain('NUL')}a\0b\n\0\n\0\0.\n`),
    Buffer.from(`${plain('8 bit')}\xe4\xf6\xfc \xff\xfe\x80 \x1b[2J\n`, 'latin1'),
    Buffer.from(`${plain('one long line')}${'x'.repeat(300_000)}\n`),
    Buffer.from(`${plain('From lines')}From me to you\n>From here\n>>From there\n\nFrom  \n`),
    Buffer.from(`${plain('CRLF in the file').replaceAll('\n', '\r\n')}one\r\ntwo\r\n`),
    Buffer.from(`${plain('mixed line ends')}one\r\ntwo\nthree\r\n`),
    Buffer.from(plain('empty body')),
    Buffer.from('Subject: header only, no empty line\n'),
    Buffer.from('\n.\nno header at all\n'),
    Buffer.from('\n'),
    Buffer.from(''),
    Buffer.from(`${plain('+OK looks like a status line')}-ERR so does this\n+OK\n.QUIT\n`),
  ]
}

/**
 * What Dovecot sends for a file, byte-stuffing undone: CR put before each LF that lacks it, CRLF put at an end that is
 * no LF (observed on 2.3.19; an empty file becomes one CRLF).
 */
export function wireOctets(file: Buffer): Buffer {
  const lines = file.toString('latin1').replace(/(?<!\r)\n/g, '\r\n')
  return Buffer.from(lines.endsWith('\n') ? lines : `${lines}\r\n`, 'latin1')
}

/** Puts messages into a Maildir's `new`, in an order that Dovecot keeps, and tells what must come out of it. */
export function fillMaildir(maildir: string, messages: Iterable<Buffer>): ExpectedMessage[] {
  const expected: ExpectedMessage[] = []
  for (const file of messages) {
    const order = String(1_000_000_000 + expected.length)
    // Read by another user, where Dovecot runs as root.
    writeFileSync(join(maildir, 'new', `${order}.corpus.example`), file, { mode: 0o644 })
    const wire = wireOctets(file)
    expected.push({
      digest: createHash('sha256').update(wire).digest('hex'),
      octets: wire.length,
    })
  }
  return expected
}

function mixedMessage(random: Random, index: number): Buffer {
  const share = random.fraction()
  const size = SIZES.find(({ below }) => share < below) ?? SIZES[0]
  // Evenly spread over the logarithm: small ones are more frequent within a class, too.
  const octets = Math.round(size.from * (size.to / size.from) ** random.fraction())
  const kind = octets > 20_000 ? 'attachment' : random.pick(['text', 'html', '8bit'] as const)
  const type = {
    attachment: 'application/octet-stream\nContent-Transfer-Encoding: base64',
    text: 'text/plain; charset=utf-8',
    html: 'text/html; charset=utf-8',
    '8bit': 'text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: 8bit',
  }[kind]
  const header = headerOf(random, index, type)
  const rest = Math.max(octets - header.length, 1)
  if (kind === 'attachment') {
    const lines = random
      .octets(Math.ceil(rest * 0.74))
      .toString('base64')
      .match(/.{1,76}/g)
    return Buffer.from(`${header}${lines?.join('\n')}\n`)
  }
  const text = textOf(random, rest)
  if (kind === 'html') return Buffer.from(`${header}<html><p>${text}</html>\n`)
  return Buffer.from(header + text, kind === '8bit' ? 'latin1' : 'utf8')
}

function headerOf(random: Random, index: number, type: string, subject?: string): string {
  const date = new Date(Date.UTC(2004, 0, 1) + index * 3_600_000).toUTCString()
  const from = random.pick(PEOPLE)
  return [
    `Return-Path: <${from}@example.com>`,
    `From: ${from} <${from}@example.com>`,
    `To: ${random.pick(PEOPLE)}@example.org`,
    `Subject: ${subject ?? textOf(random, 30).trim().replaceAll('\n', ' ')}`,
    `Date: ${date.replace('GMT', '+0000')}`,
    `Message-ID: <${index}.${random.between(0, 1e9)}@example.com>`,
    'MIME-Version: 1.0',
    `Content-Type: ${type}`,
    '\n',
  ].join('\n')
}

/** Lines of words, about so many octets, ending in LF. Some lines start with a dot. */
function textOf(random: Random, octets: number): string {
  let text = ''
  let line = ''
  while (text.length + line.length < octets) {
    line += `${random.pick(WORDS)} `
    if (line.length < 66) continue
    text += `${line.trimEnd()}\n`
    line = random.fraction() < 0.03 ? '.' : ''
  }
  return `${text}${line.trimEnd()}\n`
}

const PEOPLE = ['ada', 'grace', 'edsger', 'barbara', 'donald', 'lynn', 'alan', 'margaret']

const WORDS =
  `mail drop archive the of and to in a is that for it as was with be by on not he his but at are this have from
  or had an they which one you were all her she there would their we him been has when who will no more if out so
  said what up its about into than them can only other time new some could these two may first then do any naïve
  café Grüße straße señor déjà`.split(/\s+/)
