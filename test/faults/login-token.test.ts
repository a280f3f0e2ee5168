/** Servers that refuse an OAuth token. */
import { closed, expectLine, fin, type Step, send } from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase } from './fault-case.ts'
import { accept, listOf } from './healthy-server.ts'

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const xoauth2 = (token: string): string => base64(`user=me\x01auth=Bearer ${token}\x01\x01`)
const ERROR = '{"status":"401","schemes":"bearer","scope":"https://mail.example/"}'
const TLS = ['implicit', 'stls'] as const

const announcing = (capabilities: readonly string[], ...after: readonly Step[]): Step[] => [
  expectLine('CAPA'),
  send(listOf(capabilities)),
  ...after,
]
const error = (text: string): Step => send(`+ ${base64(text)}\r\n`)
/** XOAUTH2 in two steps, up to the token. */
const atXoauth2 = (token: string, ...after: readonly Step[]): Step[] =>
  announcing(
    ['SASL XOAUTH2 PLAIN', 'USER'],
    ...[expectLine('AUTH XOAUTH2'), send('+ \r\n'), expectLine(xoauth2(token)), ...after],
  )
const refused = (text: string): Step[] => [
  error(text),
  ...[expectLine(''), send('-ERR [AUTH] Authentication failed.\r\n'), closed()],
]
const says = (token: string): string[] => ['CAPA', 'AUTH XOAUTH2', xoauth2(token), '']

faultCase({
  name: 'refuses the token with an error challenge, and there is no newer one',
  modes: TLS,
  credential: [CANARY],
  connections: [atXoauth2(CANARY, ...refused(ERROR))],
  expect: {
    exit: 77,
    code: 'LOGIN_REFUSED',
    wire: [says(CANARY)],
    stderr: /401.*mail\.example/,
  },
})

const NEWER = `${CANARY}-2`
faultCase({
  name: 'refuses the token, and the newer one too: there is no third',
  modes: TLS,
  credential: [CANARY, NEWER, `${CANARY}-3`],
  connections: [atXoauth2(CANARY, ...refused(ERROR)), atXoauth2(NEWER, ...refused(ERROR))],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [says(CANARY), says(NEWER)] },
})

faultCase({
  name: 'refuses the token, and takes the newer one',
  modes: TLS,
  credential: [CANARY, NEWER],
  connections: [atXoauth2(CANARY, ...refused(ERROR)), atXoauth2(NEWER, accept())],
  expect: { exit: 0, wire: [says(CANARY), says(NEWER).slice(0, -1)] },
})

faultCase({
  name: 'refuses XOAUTH2, and offers USER and PLAIN',
  modes: TLS,
  credential: [CANARY],
  connections: [
    announcing(
      ['SASL XOAUTH2 PLAIN', 'USER'],
      ...[expectLine('AUTH XOAUTH2'), send('-ERR [SYS/PERM] not here\r\n'), closed()],
    ),
  ],
  expect: { exit: 77, code: 'LOGIN_PERMANENT', wire: [['CAPA', 'AUTH XOAUTH2']] },
})

faultCase({
  name: 'offers no mechanism for tokens, and knows none',
  modes: ['implicit'],
  credential: [CANARY],
  connections: [
    announcing(
      ['SASL PLAIN', 'USER'],
      ...[expectLine('AUTH XOAUTH2'), send('-ERR unknown mechanism\r\n'), closed()],
    ),
  ],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA', 'AUTH XOAUTH2']] },
})

faultCase({
  name: 'says the token back in its error challenge and in its refusal',
  modes: ['implicit'],
  credential: [CANARY],
  connections: [
    atXoauth2(
      CANARY,
      error(`{"status":"400","token":"${CANARY}","message":"${xoauth2(CANARY)}"}`),
      ...[
        expectLine(''),
        send(`-ERR ${CANARY} ${xoauth2(CANARY)} ${base64(CANARY)}\r\n`),
        closed(),
      ],
    ),
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [says(CANARY)], stderr: /\*\*\*/ },
})

faultCase({
  name: 'challenges without end when it has refused the token',
  modes: ['implicit'],
  credential: [CANARY],
  connections: [
    atXoauth2(
      CANARY,
      error(ERROR),
      expectLine(''),
      error(ERROR),
      expectLine('*'),
      send('-ERR\r\n'),
    ),
  ],
  expect: { exit: 76, code: 'LOGIN_CHALLENGE', wire: [[...says(CANARY), '*']] },
})

faultCase({
  name: 'refuses the token by OAUTHBEARER, with an error challenge',
  modes: TLS,
  credential: [CANARY],
  args: ['--auth', 'oauthbearer'],
  connections: [
    announcing(
      ['SASL OAUTHBEARER', 'USER'],
      ...[expectLine('AUTH OAUTHBEARER'), send('+ \r\n'), expectLine(/^bixhPW1l/)],
      ...[error('{"status":"invalid_token"}'), expectLine('AQ=='), send('-ERR no\r\n'), closed()],
    ),
  ],
  expect: {
    exit: 77,
    code: 'LOGIN_REFUSED',
    wire: [['CAPA', 'AUTH OAUTHBEARER', /^bixhPW1l/, 'AQ==']],
    stderr: /invalid_token/,
  },
})

faultCase({
  name: 'closes when it has read the token',
  modes: TLS,
  credential: [CANARY],
  connections: [atXoauth2(CANARY, fin(), closed())],
  expect: { exit: 69, code: 'NET_CLOSED', wire: [says(CANARY).slice(0, -1)] },
})

const HUGE = CANARY.repeat(300)
faultCase({
  name: 'is given a token of 8,000 octets',
  modes: ['implicit'],
  credential: [HUGE],
  connections: [atXoauth2(HUGE, accept())],
  expect: { exit: 0, wire: [says(HUGE).slice(0, -1)] },
})

faultCase({
  name: 'has no TLS: no token goes there',
  modes: ['none'],
  credential: [CANARY],
  connections: [announcing(['SASL XOAUTH2'], closed())],
  expect: { exit: 64, wire: [] },
})
