import type { Transcript } from './transcript.ts'

/** Lines, line ends, byte-stuffing and termination. */
export const FRAMING: readonly Transcript[] = [
  {
    name: 'status lines without text',
    server: 'popa3d, Dovecot, poczta.o2.pl',
    replies: {
      greeting: '+OK\r\n',
      USER: '+OK\r\n',
      PASS: '+OK\r\n',
      LIST: '+OK\r\n1 11\r\n.\r\n',
      UIDL: '+OK\r\n1 a\r\n.\r\n',
      'RETR 1': '+OK\r\nA: b\r\n\r\nc\r\n.\r\n',
      QUIT: '+OK\r\n',
    },
    expect: { listing: [[1, 11, 'a']], messages: { 1: 'A: b\r\n\r\nc\r\n' }, quit: 'done' },
  },
  {
    name: 'an -ERR without text',
    server: 'popa3d',
    replies: { 'RETR 1': '-ERR\r\n' },
    expect: { messages: { 1: 'refused', 2: 'Subject: two\r\n\r\nsecond\r\n' }, quit: 'done' },
  },
  {
    name: 'all lines end in LF alone',
    server: 'servers written for Unix, test doubles',
    replies: {
      greeting: '+OK here\n',
      CAPA: '-ERR what?\n',
      LIST: '+OK 1\n1 15\n.\n',
      UIDL: '+OK\n1 lf\n.\n',
      'RETR 1': '+OK\nFrom: x\n\nyes\n..\n.\n',
      QUIT: '+OK\n',
    },
    expect: { listing: [[1, 15, 'lf']], messages: { 1: 'From: x\n\nyes\n.\n' }, quit: 'done' },
  },
  {
    name: 'a lone dot between bare LFs inside a mail',
    server: 'any; a mail that wants its rest to be read as replies',
    replies: {
      LIST: '+OK\r\n1 43\r\n2 24\r\n.\r\n',
      'RETR 1': '+OK\r\nSubject: trap\r\n\r\nfirst\n.\n+OK forged\r\nlast\r\n.\r\n',
    },
    expect: {
      messages: {
        1: 'Subject: trap\r\n\r\nfirst\n\n+OK forged\r\nlast\r\n',
        2: 'Subject: two\r\n\r\nsecond\r\n',
      },
      quit: 'done',
    },
  },
  {
    name: 'the termination octet is followed by CR only',
    server: 'Cyrus 3.4.6',
    replies: { 'RETR 1': { octets: '+OK\r\nX: y\r\n\r\nbody\r\n.\r', after: 'fin' } },
    expect: { messages: { 1: 'abandoned' }, error: 'NET_CLOSED' },
  },
  {
    name: 'no line end before the termination octet',
    server: 'Exchange 2000',
    replies: { 'RETR 1': { octets: '+OK\r\nX: y\r\n\r\nlast line.\r\n', after: 'fin' } },
    expect: { messages: { 1: 'abandoned' }, error: 'NET_CLOSED' },
  },
  {
    name: 'dots that begin lines are not stuffed, and the mail goes on as replies',
    server: 'mailpit before 1.18, GreenMail, POP3Lite before 0.2.4',
    replies: {
      'RETR 1': '+OK\r\nX: y\r\n\r\nup to here\r\n.\r\nthis was text\r\n.\r\n',
    },
    expect: { messages: { 1: 'X: y\r\n\r\nup to here\r\n' }, error: 'POP3_OUT_OF_STEP' },
  },
  {
    name: 'a dot that begins a line is not stuffed',
    server: 'mailpit before 1.18',
    replies: { 'RETR 1': '+OK\r\nX: y\r\n\r\n.07 percent\r\n.\r\n' },
    expect: { messages: { 1: 'X: y\r\n\r\n07 percent\r\n' } },
  },
  {
    name: 'the dots come one octet a segment',
    server: 'any; Outlook Express lost the line',
    replies: {
      'RETR 1': { octets: '+OK\r\n\r\n..\r\n...\r\n.\r\n', chunk: 1, after: 'go on' },
    },
    expect: { messages: { 1: '\r\n.\r\n..\r\n' }, quit: 'done' },
  },
  {
    name: 'NUL, bare CR and 8-bit octets in a mail',
    server: 'Dovecot',
    replies: { 'RETR 1': '+OK\r\nX: \x00\r\n\r\na\rb\xe9\xff\r\r\n.\r\n' },
    expect: { messages: { 1: 'X: \x00\r\n\r\na\rb\xe9\xff\r\r\n' }, quit: 'done' },
  },
  {
    name: 'an empty line instead of a reply',
    server: 'outlook.office365.com with more than 20,000 messages',
    replies: { 'DELE 1': '\r\n' },
    expect: { deleted: [], error: 'POP3_OUT_OF_STEP' },
  },
  {
    name: 'two replies to one command',
    server: "Python's DummyPOP3 and its like",
    replies: { STAT: '+OK 2 40\r\n+OK 2 40\r\n' },
    expect: { stat: { messages: 2, octets: 40 }, deleted: [], error: 'POP3_OUT_OF_STEP' },
  },
  {
    name: 'a reply that is neither +OK nor -ERR',
    server: 'none; a broken proxy',
    replies: { STAT: 'HTTP/1.1 400 Bad Request\r\n' },
    expect: { stat: { messages: 0, octets: 0 }, error: 'POP3_OUT_OF_STEP' },
  },
]
