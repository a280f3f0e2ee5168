import type { Transcript } from './transcript.ts'

/** RETR and TOP. */
export const MESSAGES: readonly Transcript[] = [
  {
    name: 'an extra blank line behind every message',
    server: 'qmail-pop3d',
    replies: { 'RETR 1': '+OK\r\nSubject: one\r\n\r\nfirst\r\n\r\n.\r\n' },
    expect: { messages: { 1: 'Subject: one\r\n\r\nfirst\r\n\r\n' }, quit: 'done' },
  },
  {
    name: 'an empty message that comes as an empty line',
    server: 'Dovecot',
    replies: {
      LIST: '+OK\r\n1 0\r\n2 24\r\n.\r\n',
      'RETR 1': '+OK 0 octets\r\n\r\n.\r\n',
    },
    expect: { messages: { 1: '\r\n', 2: 'Subject: two\r\n\r\nsecond\r\n' }, quit: 'done' },
  },
  {
    name: 'a header section that ends with the message',
    server: 'Dovecot',
    replies: { 'RETR 1': '+OK\r\nSubject: only this\r\n.\r\n' },
    expect: { messages: { 1: 'Subject: only this\r\n' } },
  },
  {
    name: 'a wrong size in the status line of RETR',
    server: 'GreenMail, WildDuck',
    replies: { 'RETR 1': '+OK 7 octets\r\nSubject: one\r\n\r\nfirst\r\n.\r\n' },
    expect: { messages: { 1: 'Subject: one\r\n\r\nfirst\r\n' }, quit: 'done' },
  },
  {
    name: 'one message of many is gone',
    server: 'Dovecot, after another session removed it',
    replies: { 'RETR 1': '-ERR Message 1 expunged.\r\n' },
    expect: { messages: { 1: 'refused', 2: 'Subject: two\r\n\r\nsecond\r\n' }, quit: 'done' },
  },
  {
    name: 'the connection ends inside a message',
    server: 'any',
    replies: { 'RETR 2': { octets: '+OK\r\nSubject: two\r\n\r\nsec', after: 'fin' } },
    expect: {
      messages: { 1: 'Subject: one\r\n\r\nfirst\r\n', 2: 'abandoned' },
      error: 'NET_CLOSED',
    },
  },
  {
    name: 'two status lines on TOP',
    server: 'FTGate 2',
    replies: { 'TOP 1 0': '+OK\r\n+OK\r\nSubject: one\r\n\r\n.\r\n' },
    expect: { headers: { 1: '+OK\r\nSubject: one\r\n\r\n', 2: 'Subject: two\r\n\r\n' } },
  },
  {
    name: 'TOP of one message is refused',
    server: 'any',
    replies: { 'TOP 1 0': '-ERR no such message\r\n' },
    expect: { headers: { 1: 'refused', 2: 'Subject: two\r\n\r\n' }, quit: 'done' },
  },
  {
    name: 'TOP cuts what it shows',
    server: 'Comcast Maillennium, usa.net, OpenMail',
    replies: {},
    expect: {
      messages: { 1: 'Subject: one\r\n\r\nfirst\r\n', 2: 'Subject: two\r\n\r\nsecond\r\n' },
      neverSends: /^TOP /,
    },
  },
]
