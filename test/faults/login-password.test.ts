/** Servers that refuse a password, or the way in which it came; and passwords that cannot be sent. */
import { closed, expectLine, fin, reset, type Step, send } from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase } from './fault-case.ts'
import { accept, listOf, serve } from './healthy-server.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const PLAIN = base64(`\0me\0${CANARY}`)

const announcing = (capabilities: readonly string[], ...after: readonly Step[]): Step[] => [
  expectLine('CAPA'),
  send(listOf(capabilities)),
  ...after,
]
/** CAPA, USER, PASS, then these. */
const atPass = (...after: readonly Step[]): Step[] =>
  announcing(['USER', 'UIDL'], ...userPass, ...after)
const userPass = [expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${CANARY}`)]
const saysPass = ['CAPA', 'USER me', `PASS ${CANARY}`]
const end = [fin(), closed()]

faultCase({
  name: 'refuses the password, and closes',
  connections: [atPass(send('-ERR [AUTH] invalid\r\n'), ...end)],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [saysPass], stderr: /\[AUTH\] invalid/ },
})

faultCase({
  name: 'refuses the password twice in one breath',
  connections: [atPass(send('-ERR invalid\r\n-ERR bye\r\n'), ...end)],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [saysPass] },
})

faultCase({
  name: 'refuses the user, before any password',
  modes: ['implicit', 'none'],
  connections: [
    announcing(['USER'], expectLine('USER me'), send('-ERR never heard of\r\n'), ...end),
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', 'USER me']] },
})

faultCase({
  name: 'refuses PLAIN, and offers USER',
  connections: [
    announcing(
      ['SASL PLAIN', 'USER'],
      ...[
        expectLine(`AUTH PLAIN ${PLAIN}`),
        send('-ERR [AUTH] authentication failed\r\n'),
        closed(),
      ],
    ),
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', `AUTH PLAIN ${PLAIN}`]] },
})

faultCase({
  name: 'refuses PLAIN in one line for its form, and takes it in two',
  connections: [
    announcing(
      ['SASL PLAIN'],
      ...[expectLine(`AUTH PLAIN ${PLAIN}`), send('-ERR Protocol error. 10\r\n')],
      ...[expectLine('AUTH PLAIN'), send('+ \r\n'), expectLine(PLAIN), accept()],
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', `AUTH PLAIN ${PLAIN}`, 'AUTH PLAIN', PLAIN]] },
})

faultCase({
  name: 'refuses PLAIN in both its forms',
  modes: ['implicit'],
  connections: [
    announcing(
      ['SASL PLAIN', 'USER'],
      ...[expectLine(`AUTH PLAIN ${PLAIN}`), send('-ERR Protocol error. 10\r\n')],
      ...[
        expectLine('AUTH PLAIN'),
        send('+ \r\n'),
        expectLine(PLAIN),
        send('-ERR no\r\n'),
        closed(),
      ],
    ),
  ],
  expect: {
    exit: 77,
    code: 'LOGIN_REFUSED',
    wire: [['CAPA', `AUTH PLAIN ${PLAIN}`, 'AUTH PLAIN', PLAIN]],
  },
})

faultCase({
  name: 'accepts the password, and fails to open the maildrop',
  connections: [atPass(send('+OK Logged in.\r\n-ERR [SYS/TEMP] no INBOX\r\n'), ...end)],
  expect: { exit: 75, code: 'POP3_TEMPORARY', wire: [saysPass], stderr: /no INBOX/ },
})

faultCase({
  name: 'accepts the password, and fails to open the maildrop when it is listed',
  connections: [
    atPass(
      send('+OK Logged in.\r\n'),
      ...[expectLine('CAPA'), send(listOf(['UIDL'])), expectLine('STAT')],
      ...[send('-ERR [SYS/TEMP] no INBOX\r\n'), ...end],
    ),
  ],
  expect: { exit: 75, code: 'POP3_TEMPORARY', wire: [[...saysPass, 'CAPA', 'STAT']] },
})

for (const [how, step] of [
  ['resets the connection', reset()],
  ['closes its side', fin()],
] as const) {
  faultCase({
    name: `${how} at PASS: the password is not sent again`,
    connections: [atPass(step, closed())],
    expect: { exit: 69, code: 'NET_CLOSED', wire: [saysPass] },
  })
  faultCase({
    name: `${how} at AUTH: the password is not sent again`,
    modes: ['implicit', 'stls'],
    connections: [
      announcing(['SASL PLAIN', 'USER'], expectLine(`AUTH PLAIN ${PLAIN}`), step, closed()),
    ],
    expect: { exit: 69, code: 'NET_CLOSED', wire: [['CAPA', `AUTH PLAIN ${PLAIN}`]] },
  })
}

for (const [words, exit, code] of [
  ['[IN-USE] busy', 75, 'LOGIN_IN_USE'],
  ['[LOGIN-DELAY] not so often', 75, 'LOGIN_DELAY'],
  ['[SYS/TEMP] later', 75, 'LOGIN_TEMPORARY'],
  ['[SYS/PERM] never', 77, 'LOGIN_PERMANENT'],
  ['[AUTH] no', 77, 'LOGIN_REFUSED'],
  ['[sys/temp/disk] later', 75, 'LOGIN_TEMPORARY'],
  ['[AUTH/EXPIRED/NOW] no', 77, 'LOGIN_REFUSED'],
  ['[X-UNHEARD-OF] no', 77, 'LOGIN_REFUSED'],
  ['mailbox is locked by another session', 75, 'LOGIN_IN_USE'],
  ['too many logins, wait 15 minutes', 75, 'LOGIN_DELAY'],
  ['Temporary authentication failure.', 75, 'LOGIN_TEMPORARY'],
  ['', 77, 'LOGIN_REFUSED'],
] as const) {
  faultCase({
    name: `refuses the login with ${JSON.stringify(words)}`,
    modes: ['implicit'],
    connections: [atPass(send(`-ERR ${words}\r\n`), closed())],
    expect: { exit, code, wire: [saysPass] },
  })
}

for (const [what, said] of [
  ['as it is', `wrong password ${CANARY}, me`],
  ['in base64', `wrong password ${base64(CANARY)}`],
  ['in quotation marks, twice', `"${CANARY}" "${CANARY}"`],
] as const) {
  faultCase({
    name: `says the password back: ${what}`,
    modes: ['implicit', 'none'],
    connections: [atPass(send(`-ERR ${said}\r\n`), closed())],
    expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [saysPass], stderr: /\*\*\*/ },
  })
}

for (const [what, said] of [
  ['in the message of PLAIN', `-ERR [AUTH] bad: ${PLAIN}`],
  ['in the message of PLAIN, of a longer line', `-ERR [AUTH] AUTH PLAIN ${PLAIN} refused`],
  ['as it is', `-ERR [AUTH] bad: ${CANARY}`],
] as const) {
  faultCase({
    name: `says the password back to AUTH: ${what}`,
    modes: ['implicit'],
    connections: [
      announcing(['SASL PLAIN'], expectLine(/^AUTH PLAIN/), send(`${said}\r\n`), closed()),
    ],
    expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', `AUTH PLAIN ${PLAIN}`]] },
  })
}

faultCase({
  name: 'says the password back where nobody expects words: in a line that is no reply',
  modes: ['implicit'],
  connections: [atPass(send(`${CANARY} ${PLAIN}\r\n`), closed())],
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: [saysPass] },
})

faultCase({
  name: 'says the password back in its capabilities, and refuses the maildrop with it',
  modes: ['implicit'],
  connections: [
    atPass(
      send('+OK\r\n'),
      ...[expectLine('CAPA'), send(listOf(['UIDL', `X-PASS ${CANARY}`, `X-PLAIN ${PLAIN}`]))],
      ...[expectLine('STAT'), send(`-ERR [SYS/TEMP] ${CANARY} ${base64(CANARY)}\r\n`), ...end],
    ),
  ],
  expect: { exit: 75, code: 'POP3_TEMPORARY', wire: [[...saysPass, 'CAPA', 'STAT']] },
})

const LONG = CANARY.repeat(11)
faultCase({
  name: 'is given a password of 300 octets by PLAIN: in two steps',
  modes: ['implicit'],
  password: LONG,
  connections: [
    announcing(
      ['SASL PLAIN'],
      ...[expectLine('AUTH PLAIN'), send('+ \r\n'), expectLine(base64(`\0me\0${LONG}`)), accept()],
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', 'AUTH PLAIN', base64(`\0me\0${LONG}`)]] },
})

faultCase({
  name: 'is given a password of 300 octets by PASS',
  modes: ['implicit'],
  password: LONG,
  connections: [
    announcing(
      ['USER'],
      expectLine('USER me'),
      send('+OK\r\n'),
      expectLine(`PASS ${LONG}`),
      accept(),
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', 'USER me', `PASS ${LONG}`]] },
})

const SPACED = `two  ${CANARY} words `
faultCase({
  name: 'is given a password with blanks in it, and behind it',
  modes: ['implicit'],
  password: SPACED,
  connections: [
    announcing(
      ['USER'],
      ...[expectLine('USER me'), send('+OK\r\n'), expectLine(`PASS ${SPACED}`), accept()],
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', 'USER me', `PASS ${SPACED}`]] },
})

faultCase({
  name: 'announces no UTF8, where the password goes beyond ASCII',
  modes: ['implicit'],
  password: `ü${CANARY}`,
  connections: [announcing(['USER'], closed())],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA']], stderr: /beyond ASCII/ },
})

faultCase({
  name: 'is given the first line of a password that has more',
  modes: ['implicit'],
  environment: { POPKEEP_PASSWORD: `${CANARY}\r\nDELE 1` },
  connections: [announcing(['USER'], ...userPass, accept())],
  expect: { exit: 0, wire: [saysPass] },
})

for (const [what, password, code] of [
  ['CR', `x\r${CANARY}`, 'SECRET_UNAVAILABLE'],
  ['NUL', `${CANARY}\0x`, 'SECRET_UNAVAILABLE'],
  ['more octets than a line may have', CANARY.repeat(100), 'POP3_ARGUMENT'],
] as const) {
  faultCase({
    name: `is given no password that has ${what}: nothing connects`,
    modes: ['implicit', 'none'],
    environment: { POPKEEP_PASSWORD: password },
    connections: [[(one) => serve(one)]],
    expect: { exit: 78, code, wire: [] },
  })
}

for (const [what, user] of [
  ['CR LF', 'me%0d%0aDELE%201'],
  ['LF', 'me%0ax'],
  ['NUL', 'me%00x'],
] as const) {
  faultCase({
    name: `is given no user that has ${what}: nothing connects`,
    modes: ['implicit'],
    user,
    connections: [[(one) => serve(one)]],
    expect: { exit: 64, wire: [] },
  })
}

faultCase({
  name: 'is given the user as it is, with what a URL writes otherwise',
  modes: ['implicit'],
  user: 'host%3Ame%40example.com%20x',
  connections: [
    announcing(
      ['USER'],
      ...[expectLine('USER host:me@example.com x'), send('+OK\r\n'), expectLine(/^PASS/), accept()],
    ),
  ],
  expect: { exit: 0, wire: [['CAPA', 'USER host:me@example.com x', `PASS ${CANARY}`]] },
})
