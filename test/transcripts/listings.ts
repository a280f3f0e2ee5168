import type { Transcript } from './transcript.ts'

/** STAT, LIST and UIDL. */
export const LISTINGS: readonly Transcript[] = [
  {
    name: 'several blanks between number and unique-id',
    server: 'Comcast Maillennium and others',
    replies: { UIDL: '+OK\r\n1   0904e9bmu1\r\n2   0904e9bmu2\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, '0904e9bmu1'],
        [2, 24, '0904e9bmu2'],
      ],
    },
  },
  {
    name: 'rows begin with +OK',
    server: 'unnamed, seen by K-9 Mail',
    replies: { UIDL: '+OK\r\n+OK 1 first\r\n+OK 2 second\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'first'],
        [2, 24, 'second'],
      ],
    },
  },
  {
    name: 'tabs, trailing blanks, and a row whose number is none',
    server: 'unnamed, seen by VMime',
    replies: { UIDL: '+OK as you like\r\n1\tmno-1 \t\r\n2x\tbad\r\n2   pqr-2   \r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'mno-1'],
        [2, 24, 'pqr-2'],
      ],
    },
  },
  {
    name: 'a row without unique-id',
    server: 'unnamed, seen by getmail and K-9 Mail',
    replies: { UIDL: '+OK\r\n1 u-1\r\n2\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'u-1'],
        [2, 24, undefined],
      ],
      hasUniqueIds: true,
    },
  },
  {
    name: 'ENOMEM in place of a unique-id',
    server: 'Courier with its disk full',
    replies: { UIDL: '+OK\r\n1 UID1-99\r\n2 ENOMEM-1\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'UID1-99'],
        [2, 24, undefined],
      ],
      hasUniqueIds: true,
    },
  },
  {
    name: 'tabs inside a unique-id',
    server: 'unnamed',
    replies: { UIDL: '+OK\r\n1 a\tb\r\n2\ta \t b\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'a\tb'],
        [2, 24, 'a \t b'],
      ],
    },
  },
  {
    name: 'one message number twice',
    server: 'broken or hostile',
    replies: {
      LIST: '+OK\r\n1 23\r\n2 24\r\n1 24\r\n.\r\n',
      UIDL: '+OK\r\n1 h-1\r\n2 h-2\r\n2 h-1\r\n.\r\n',
    },
    expect: {
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
    },
  },
  {
    name: 'message numbers that cannot be',
    server: 'hostile',
    replies: {
      LIST: '+OK\r\n0 9\r\n-1 9\r\n1 23\r\n2147483648 9\r\n4294967298 9\r\n9007199254740992 9\r\n.\r\n',
      UIDL: '+OK\r\n0 z\r\n-1 z\r\n1 h-1\r\n2147483648 z\r\n4294967298 z\r\n9007199254740992 z\r\n.\r\n',
    },
    expect: { listing: [[1, 23, 'h-1']] },
  },
  {
    name: 'equal unique-ids',
    server: 'Dovecot (duplicates allowed), popa3d, OpenWave',
    replies: { UIDL: '+OK\r\n1 same\r\n2 same\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, 'same'],
        [2, 24, 'same'],
      ],
    },
  },
  {
    name: 'blanks inside a unique-id',
    server: 'GMX by X-UIDL',
    replies: { UIDL: '+OK\r\n1 <ab cd@ef> \r\n2 "x  y"\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, '<ab cd@ef>'],
        [2, 24, '"x  y"'],
      ],
    },
  },
  {
    name: 'octets above 0x7E in a unique-id',
    server: 'unnamed, seen by mpop',
    replies: { UIDL: '+OK\r\n1 \xe9t\xe9\xff\r\n2 \xc3\xa9\r\n.\r\n' },
    expect: {
      listing: [
        [1, 23, '\xe9t\xe9\xff'],
        [2, 24, '\xc3\xa9'],
      ],
    },
  },
  {
    name: 'a unique-id of 1,024 octets and one of more',
    server: 'hostile; overflowed fetchmail',
    replies: {
      UIDL: `+OK\r\n1 ${'u'.repeat(1024)}\r\n2 ${'u'.repeat(1025)}\r\n3 ${'u'.repeat(100_000)}\r\n.\r\n`,
    },
    expect: {
      listing: [
        [1, 23, 'u'.repeat(1024)],
        [2, 24, undefined],
      ],
    },
  },
  {
    name: 'UIDL is refused',
    server: 'servers of RFC 1460',
    replies: {
      CAPA: '-ERR unknown\r\n',
      UIDL: '-ERR unknown\r\n',
    },
    expect: {
      listing: [
        [1, 23, undefined],
        [2, 24, undefined],
      ],
      hasUniqueIds: false,
      quit: 'done',
    },
  },
  {
    name: 'UIDL is announced and refused',
    server: 'AOL and Exchange at times',
    replies: { UIDL: '-ERR not now\r\n' },
    expect: { listing: [], error: 'POP3_TEMPORARY' },
  },
  {
    name: 'one row with an argument where the RFC has another form',
    server: 'Twisted (UIDL n, LIST n), mailpit (UIDL n)',
    replies: {},
    expect: {
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
      neverSends: /^(?:LIST|UIDL) /,
    },
  },
  {
    name: 'sizes that are no numbers',
    server: 'mailpit',
    replies: { LIST: '+OK 2 messages (47 octets)\r\n1 %!d(float64=23)\r\n2 -24\r\n.\r\n' },
    expect: {
      listing: [
        [1, undefined, 'h-1'],
        [2, undefined, 'h-2'],
      ],
      messages: { 1: 'Subject: one\r\n\r\nfirst\r\n', 2: 'Subject: two\r\n\r\nsecond\r\n' },
    },
  },
  {
    name: 'a status line of LIST that says something else',
    server: 'Courier',
    replies: {
      LIST: '+OK 9 POP3 clients that count on 99 here are wrong.\r\n1 23\r\n2 24\r\n.\r\n',
    },
    expect: {
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
    },
  },
  {
    name: 'gaps in the numbering',
    server: 'any, after another session removed messages',
    replies: {
      LIST: '+OK\r\n2 24\r\n5 50\r\n.\r\n',
      UIDL: '+OK\r\n2 h-2\r\n5 h-5\r\n.\r\n',
      'RETR 5': '+OK\r\nX: 5\r\n\r\n.\r\n',
    },
    expect: {
      listing: [
        [2, 24, 'h-2'],
        [5, 50, 'h-5'],
      ],
      messages: { 2: 'Subject: two\r\n\r\nsecond\r\n', 5: 'X: 5\r\n\r\n' },
    },
  },
  {
    name: 'a message that only one listing shows',
    server: 'servers that let new mail in between two commands',
    replies: {
      LIST: '+OK\r\n1 23\r\n2 24\r\n3 9\r\n.\r\n',
      UIDL: '+OK\r\n1 h-1\r\n2 h-2\r\n4 h-4\r\n.\r\n',
    },
    expect: {
      listing: [
        [1, 23, 'h-1'],
        [2, 24, 'h-2'],
      ],
    },
  },
  {
    name: 'sizes above 4 GiB',
    server: "curl's test server",
    replies: { LIST: '+OK\r\n1 4294967399\r\n2 9007199254740991\r\n.\r\n' },
    expect: {
      listing: [
        [1, 4_294_967_399, 'h-1'],
        [2, 9_007_199_254_740_991, 'h-2'],
      ],
    },
  },
  {
    name: 'STAT with a negative size',
    server: '32-bit servers with more than 2 GiB',
    replies: { STAT: '+OK 20437 -1522108923\r\n' },
    expect: { stat: { messages: 20_437, octets: undefined } },
  },
  {
    name: 'STAT with more behind the size',
    server: 'permitted by RFC 1939 section 5',
    replies: { STAT: '+OK 2 47 (1 new)\r\n' },
    expect: { stat: { messages: 2, octets: 47 } },
  },
]
