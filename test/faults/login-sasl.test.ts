/** Servers that make no sense in the middle of a SASL exchange, or want to be believed without proof. */
import { ScramServer, type ScramServerOptions } from '../sasl/scram-server.ts'
import { closed, expectLine, fin, reset, type Step, send } from '../support/scripted-server.ts'
import { CANARY } from './canary.ts'
import { faultCase } from './fault-case.ts'
import { accept, listOf } from './healthy-server.ts'

const base64 = (text: string | Uint8Array): string => Buffer.from(text).toString('base64')

const announcing = (capabilities: readonly string[], ...after: readonly Step[]): Step[] => [
  expectLine('CAPA'),
  send(listOf(capabilities)),
  ...after,
]
const challenge = (text: string | Uint8Array): Step => send(`+ ${base64(text)}\r\n`)
const SCRAM = /^AUTH SCRAM-SHA-256 \S+$/
/** Client-final, or an answer like it. */
const BASE64 = /^[A-Za-z0-9+/]+=*$/
const atScram = (...after: readonly Step[]): Step[] =>
  announcing(['SASL SCRAM-SHA-256 PLAIN', 'USER'], expectLine(SCRAM), ...after)

/** The server's side of SCRAM, as far as it goes; behind its +OK the maildrop. */
function scram(hash: 'SHA-1' | 'SHA-256', options: Partial<ScramServerOptions> = {}): Step {
  return async (connection) => {
    const server = new ScramServer({ hash, user: 'me', password: CANARY, ...options })
    let said: string | undefined = (await connection.expectLine(/^AUTH SCRAM-/)).split(' ')[2]
    while (said !== undefined && said !== '*') {
      const reply = server.answer(Buffer.from(said, 'base64'))
      if ('ok' in reply) return reply.ok ? accept()(connection) : connection.send('-ERR no\r\n')
      await connection.send(`+ ${base64(reply.challenge)}\r\n`)
      said = await connection.nextLine()
    }
    if (said === '*') await connection.send('-ERR cancelled\r\n')
  }
}

for (const [what, line] of [
  ['no base64', '+ !!!not base64'],
  ['padding first', '+ =AAA'],
  ['no base64 that ends right', '+ QQ=Q'],
] as const) {
  faultCase({
    name: `challenges SCRAM with ${what}: cancelled, and the next mechanism is tried`,
    modes: ['implicit', 'none'],
    connections: [
      atScram(
        send(`${line}\r\n`),
        ...[expectLine('*'), send('-ERR cancelled\r\n')],
        ...[
          expectLine(/^AUTH PLAIN$/),
          send('+ \r\n'),
          expectLine(base64(`\0me\0${CANARY}`)),
          accept(),
        ],
      ),
    ],
    expect: {
      exit: 0,
      wire: [['CAPA', SCRAM, '*', 'AUTH PLAIN', base64(`\0me\0${CANARY}`)]],
    },
  })
}

faultCase({
  name: 'challenges with 1 MB',
  connections: [atScram(send(`+ ${'QUFB'.repeat(250_000)}\r\n`), closed())],
  expect: { exit: 76, code: 'POP3_LIMIT', wire: [['CAPA', SCRAM]] },
})

faultCase({
  name: 'challenges without end: 1000 rounds',
  modes: ['implicit'],
  connections: [
    announcing(['SASL LOGIN'], expectLine('AUTH LOGIN'), async (connection) => {
      for (let round = 0; round < 1000; round += 1) {
        await connection.send('+ QUJD\r\n')
        if ((await connection.nextLine()) === undefined) return
      }
    }),
  ],
  expect: {
    exit: 76,
    code: 'LOGIN_CHALLENGE',
    wire: [['CAPA', 'AUTH LOGIN', base64('me'), base64(CANARY), '*']],
  },
})

for (const hostility of [
  'foreign nonce',
  'nonce not extended',
  'i=1',
  'i=2000000000',
  'empty salt',
  'm=',
] as const) {
  faultCase({
    name: `begins SCRAM with ${hostility}: cancelled before anything of the password was sent`,
    modes: ['implicit'],
    args: ['--auth', 'scram-sha-256'],
    connections: [
      announcing(['SASL SCRAM-SHA-256 PLAIN', 'USER'], scram('SHA-256', { hostility })),
    ],
    expect: { exit: 76, code: 'LOGIN_CHALLENGE', wire: [['CAPA', SCRAM, '*']] },
  })
}

for (const [hostility, wire] of [
  ['wrong v=', ['CAPA', SCRAM, BASE64]],
  ['short v=', ['CAPA', SCRAM, BASE64]],
  ['missing v=', ['CAPA', SCRAM, BASE64]],
  ['empty server-final', ['CAPA', SCRAM, BASE64]],
] as const) {
  faultCase({
    name: `ends SCRAM with ${hostility}: left at once, whatever it says`,
    modes: ['implicit', 'stls'],
    connections: [
      announcing(['SASL SCRAM-SHA-256 PLAIN', 'USER'], scram('SHA-256', { hostility })),
    ],
    expect: { exit: 76, code: 'LOGIN_SERVER_UNPROVEN', wire: [wire] },
  })
}

faultCase({
  name: 'ends SCRAM with +OK alone, without proof',
  connections: [
    announcing(
      ['SASL SCRAM-SHA-1 PLAIN', 'USER'],
      expectLine(/^AUTH SCRAM-SHA-1 \S+$/),
      (one) => one.send('+OK welcome\r\n'),
      closed(),
    ),
  ],
  expect: {
    exit: 76,
    code: 'LOGIN_SERVER_UNPROVEN',
    wire: [['CAPA', /^AUTH SCRAM-SHA-1 \S+$/]],
  },
})

/** Up to the client's proof; then these. */
function atScramProof(...after: readonly Step[]): Step[] {
  const begin: Step = async (connection) => {
    const server = new ScramServer({ hash: 'SHA-256', user: 'me', password: CANARY })
    const line = await connection.expectLine(SCRAM)
    const reply = server.answer(Buffer.from(line.split(' ')[2] ?? '', 'base64'))
    if ('challenge' in reply) await connection.send(`+ ${base64(reply.challenge)}\r\n`)
  }
  return announcing(['SASL SCRAM-SHA-256 PLAIN', 'USER'], begin, expectLine(BASE64), ...after)
}

faultCase({
  name: 'says +OK to the proof of SCRAM, without its own',
  modes: ['implicit'],
  connections: [atScramProof(send('+OK welcome\r\n'), closed())],
  expect: { exit: 76, code: 'LOGIN_SERVER_UNPROVEN', wire: [['CAPA', SCRAM, BASE64]] },
})

faultCase({
  name: 'offers SCRAM to a wrong password: tried once, and nothing weaker after it',
  modes: ['implicit'],
  connections: [
    announcing(['SASL SCRAM-SHA-256 PLAIN LOGIN', 'USER'], scram('SHA-256', { password: 'other' })),
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', SCRAM, BASE64, '']] },
})

faultCase({
  name: 'proves itself by SCRAM',
  connections: [announcing(['SASL SCRAM-SHA-256 PLAIN', 'USER'], scram('SHA-256'))],
  expect: { exit: 0, wire: [['CAPA', SCRAM, BASE64, '']] },
})

for (const [how, step] of [
  ['resets the connection', reset()],
  ['closes its side', fin()],
] as const) {
  faultCase({
    name: `${how} at the proof of SCRAM`,
    modes: ['implicit'],
    connections: [atScramProof(step, closed())],
    expect: { exit: 69, code: 'NET_CLOSED', wire: [['CAPA', SCRAM, BASE64]] },
  })
}

const CRAM = '<1896.697170952@postoffice.reston.mci.net>'
faultCase({
  name: 'says the digest of CRAM-MD5 back',
  modes: ['implicit'],
  args: ['--auth', 'cram-md5'],
  connections: [
    announcing(
      ['SASL CRAM-MD5', 'USER'],
      expectLine('AUTH CRAM-MD5'),
      challenge(CRAM),
      async (one) => {
        const answer = (await one.nextLine()) ?? ''
        const [, digest = ''] = Buffer.from(answer, 'base64').toString().split(' ')
        await one.send(`-ERR ${answer} is ${digest}, that is ${digest.toUpperCase()}\r\n`)
        await one.closed()
      },
    ),
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', 'AUTH CRAM-MD5', BASE64]] },
})

faultCase({
  name: 'says the password back in a challenge',
  modes: ['implicit'],
  connections: [
    announcing(
      ['SASL PLAIN', 'USER'],
      ...[expectLine(/^AUTH PLAIN/), send('-ERR Protocol error\r\n'), expectLine('AUTH PLAIN')],
      ...[send('+ \r\n'), expectLine(BASE64), challenge(`you said ${CANARY}`), expectLine('*')],
      ...[send(`-ERR ${CANARY}\r\n`), closed()],
    ),
  ],
  expect: {
    exit: 76,
    code: 'LOGIN_CHALLENGE',
    wire: [['CAPA', /^AUTH PLAIN \S+$/, 'AUTH PLAIN', BASE64, '*']],
  },
})

faultCase({
  name: 'asks for more when LOGIN has said all',
  modes: ['implicit'],
  connections: [
    announcing(
      ['SASL LOGIN'],
      ...[expectLine('AUTH LOGIN'), challenge('Username:'), expectLine(base64('me'))],
      ...[challenge('Password:'), expectLine(base64(CANARY)), challenge('Again:'), expectLine('*')],
      ...[send('+OK welcome\r\n'), closed()],
    ),
  ],
  expect: {
    exit: 76,
    code: 'LOGIN_CHALLENGE',
    wire: [['CAPA', 'AUTH LOGIN', base64('me'), base64(CANARY), '*']],
  },
})

faultCase({
  name: 'says +OK before LOGIN has sent the password',
  modes: ['implicit'],
  connections: [
    announcing(
      ['SASL LOGIN'],
      ...[expectLine('AUTH LOGIN'), challenge('Username:'), expectLine(base64('me'))],
      ...[send('+OK\r\n'), closed()],
    ),
  ],
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: [['CAPA', 'AUTH LOGIN', base64('me')]] },
})

faultCase({
  name: 'refuses the one mechanism that its owner named, and offers others',
  modes: ['implicit'],
  args: ['--auth', 'scram-sha-256'],
  connections: [
    announcing(
      ['USER', 'SASL PLAIN LOGIN'],
      ...[expectLine(SCRAM), send('-ERR unknown mechanism\r\n'), closed()],
    ),
  ],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA', SCRAM]] },
})

const APOP = ['--auth', 'apop']
for (const [what, greeting] of [
  ['none', '+OK ready'],
  ['one without a domain', '+OK ready <abc>'],
  ['one with a blank in it', '+OK <a b@c>'],
  ['one with octets beyond ASCII', '+OK <\xe4@c>'],
  ['one with a control octet', '+OK <a\x01@c>'],
] as const) {
  faultCase({
    name: `has no timestamp for APOP: ${what}`,
    modes: ['none'],
    args: APOP,
    script: () => [[send(`${greeting}\r\n`), ...announcing(['USER', 'SASL PLAIN'], closed())]],
    expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA']], stderr: /timestamp/ },
  })
}

faultCase({
  name: 'greets with the same timestamp twice: no second digest of it',
  modes: ['implicit', 'none'],
  args: APOP,
  script: () => {
    const greeting = send('+OK ready <1.2@pop.example.com>\r\n')
    return [
      [greeting, expectLine('CAPA'), fin(), closed()],
      [greeting, closed()],
    ]
  },
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA'], []], stderr: /timestamp/ },
})

faultCase({
  name: 'says the digest of APOP back',
  modes: ['implicit', 'none'],
  args: APOP,
  script: () => [
    [
      send('+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n'),
      ...announcing(['USER'], async (one) => {
        const line = await one.expectLine(/^APOP me [0-9a-f]{32}$/)
        await one.send(`-ERR [AUTH] ${line}, ${line.slice(-32).toUpperCase()}\r\n`)
        await one.closed()
      }),
    ],
  ],
  expect: { exit: 77, code: 'LOGIN_REFUSED', wire: [['CAPA', /^APOP me [0-9a-f]{32}$/]] },
})

faultCase({
  name: 'greets with a timestamp, and is not asked for APOP',
  modes: ['none'],
  script: () => [
    [
      send('+OK ready <1.2@pop.example.com>\r\n'),
      ...announcing(
        ['USER'],
        expectLine('USER me'),
        send('+OK\r\n'),
        expectLine(/^PASS/),
        accept(),
      ),
    ],
  ],
  expect: { exit: 0, wire: [['CAPA', 'USER me', `PASS ${CANARY}`]] },
})
