import type { Transcript } from './transcript.ts'

/** CAPA, QUIT, and sessions that the server ends. */
export const SESSIONS: readonly Transcript[] = [
  {
    name: 'CAPA ends the connection',
    server: 'servers older than RFC 2449',
    replies: { CAPA: { octets: '', after: 'fin' } },
    expect: {
      connections: 2,
      pipelined: false,
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
      quit: 'done',
    },
  },
  {
    name: 'PIPELINING is announced only after login',
    server: 'Gmail',
    replies: {
      CAPA: [
        '+OK Capability list follows\r\nUSER\r\nEXPIRE 0\r\nTOP\r\nUIDL\r\nX-RICO\r\n.\r\n',
        '+OK Capability list follows\r\nUSER\r\nPIPELINING\r\nEXPIRE 0\r\nTOP\r\nUIDL\r\n.\r\n',
      ],
    },
    expect: { pipelined: true, has: ['PIPELINING', 'EXPIRE', 'X-RICO'] },
  },
  {
    name: 'PIPELINING is announced only before login',
    server: 'proxies before another server',
    replies: {
      CAPA: ['+OK\r\nUSER\r\nPIPELINING\r\nUIDL\r\n.\r\n', '+OK\r\nUIDL\r\n.\r\n'],
    },
    expect: { pipelined: false, has: ['UIDL'] },
  },
  {
    name: 'CAPA is refused after login',
    server: 'unnamed, seen by MailKit',
    replies: {
      CAPA: ['+OK\r\nUSER\r\nPIPELINING\r\nUIDL\r\nTOP\r\n.\r\n', '-ERR not now\r\n'],
    },
    expect: { pipelined: false, has: ['UIDL', 'TOP'], quit: 'done' },
  },
  {
    name: 'UIDL works but is not announced',
    server: 'AOL and various',
    replies: { CAPA: '+OK\r\nUSER\r\nTOP\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
      hasUniqueIds: true,
    },
  },
  {
    name: 'capabilities in lower case, twice, with tabs and empty lines',
    server: 'permitted or harmless',
    replies: { CAPA: '+OK\r\nuser\r\n\r\nPipelining\r\nEXPIRE\t0\r\nEXPIRE 0\r\n.\r\n' },
    expect: { pipelined: true, has: ['USER', 'PIPELINING', 'EXPIRE'] },
  },
  {
    name: 'a capability list without end',
    server: 'hostile',
    replies: { CAPA: `+OK\r\n${'X-MORE\r\n'.repeat(300)}` },
    expect: { error: 'POP3_LIMIT' },
  },
  {
    name: 'the greeting is that of another protocol',
    server: 'an SMTP or IMAP port',
    replies: { greeting: '* OK IMAP4rev1 ready\r\n' },
    expect: { error: 'POP3_NOT_POP3' },
  },
  {
    name: 'an -ERR that no command asked for',
    server: 'Dovecot and UW ipop3d at their idle limit',
    replies: {
      STAT: { octets: '+OK 2 47\r\n-ERR Disconnected for inactivity.\r\n', after: 'fin' },
    },
    expect: { stat: { messages: 2, octets: 47 }, listing: [], error: 'POP3_TEMPORARY' },
  },
  {
    name: 'QUIT is answered by closing only',
    server: 'Gmail after large transfers, and many',
    replies: { QUIT: { octets: '', after: 'fin' } },
    expect: { deleted: [1, 2], quit: 'lost' },
  },
  {
    name: 'QUIT says that not all was removed',
    server: 'Dovecot',
    replies: { QUIT: { octets: '-ERR [SYS/TEMP] Some were not removed.\r\n', after: 'fin' } },
    expect: { deleted: [1, 2], quit: 'refused' },
  },
  {
    name: 'QUIT says +OK before, or without, removing anything',
    server: 'Courier, Cyrus',
    replies: { QUIT: { octets: '+OK Bye-bye.\r\n', after: 'fin' } },
    expect: { deleted: [1, 2], quit: 'done' },
  },
  {
    name: 'DELE of one message is refused',
    server: 'any, after another session removed it',
    replies: { 'DELE 1': '-ERR Message 1 has already been deleted.\r\n' },
    expect: { deleted: [2], quit: 'done' },
  },
  {
    name: 'STAT counts what is marked as deleted, but for its octets',
    server: 'qmail-pop3d, Twisted',
    replies: { STAT: ['+OK 2 47\r\n', '+OK 2 47\r\n', '+OK 2 0\r\n'] },
    expect: { stat: { messages: 2, octets: 47 }, deleted: [1, 2], quit: 'done' },
  },
  {
    name: 'STAT counts what is marked as deleted',
    server: 'mailpit, gromox',
    replies: { STAT: '+OK 2 47\r\n' },
    expect: { stat: { messages: 2, octets: 47 }, deleted: [1, 2], quit: 'done' },
  },
]
