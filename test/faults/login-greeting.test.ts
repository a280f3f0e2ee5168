/** Servers that do not begin as a POP3 server does. */
import { expect } from 'vitest'
import {
  chunk,
  closed,
  fin,
  reset,
  type Script,
  type Step,
  send,
} from '../support/scripted-server.ts'
import { faultCase } from './fault-case.ts'
import { serve } from './healthy-server.ts'

const script =
  (...steps: readonly Step[]) =>
  (): readonly [Script] => [steps]

faultCase({
  name: 'refuses the connection in its greeting, and closes',
  script: script(send('-ERR [SYS/TEMP] busy \x1b]0;title\x07\r\n'), fin(), closed()),
  expect: { exit: 69, code: 'POP3_GREETING_REFUSED', wire: [[]], stderr: /\[SYS\/TEMP\] busy/ },
})

faultCase({
  name: 'refuses the connection in a greeting without a line end, and closes',
  modes: ['implicit', 'none'],
  script: script(send('-ERR [SYS/TEMP] too many connections'), fin(), closed()),
  expect: { exit: 69, code: 'POP3_GREETING_REFUSED', wire: [[]], stderr: /too many connections/ },
})

for (const [what, greeting] of [
  ['SMTP', '220 mail.example.com ESMTP\r\n'],
  ['HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
  ['IMAP', '* OK [CAPABILITY IMAP4rev1] ready\r\n'],
  ['words', 'HELLO\r\n'],
  ['an empty line', '\r\n'],
  ['binary octets', '\x00\x01\xff\xfe\x1b[2J\x0a'],
]) {
  faultCase({
    name: `greets in another protocol: ${what}`,
    script: script(send(greeting ?? ''), closed()),
    expect: { exit: 76, code: 'POP3_NOT_POP3', wire: [[]] },
  })
}

faultCase({
  name: 'greets with 10 MB without a line end',
  script: script(send(Buffer.alloc(10_000_000, 'x')), closed()),
  expect: { exit: 76, code: 'POP3_LIMIT', wire: [[]] },
})

faultCase({
  name: 'greets with 2 MB of what begins a timestamp, where APOP is wanted',
  script: script(send(`+OK ${'<a@'.repeat(700_000)}\r\n`), closed()),
  args: ['--auth', 'apop'],
  expect: { exit: 76, code: 'POP3_LIMIT', wire: [[]] },
})

faultCase({
  name: 'greets with 8 KB of what begins a timestamp, where APOP is wanted',
  modes: ['implicit', 'none'],
  script: script(send(`+OK ${'<a@'.repeat(2_700)}\r\n`), (one) => serve(one)),
  args: ['--auth', 'apop'],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['CAPA', 'UTF8'].slice(0, 1)] },
})

faultCase({
  name: 'says all in lines that end in LF alone, an octet a segment',
  modes: ['implicit', 'none'],
  script: script(chunk(1), send('+OK ready\n'), chunk(0), (one) => serve(one)),
  expect: { exit: 0, wire: (server) => expect(server.connections).toHaveLength(1) },
})

faultCase({
  name: 'greets twice',
  script: script(send('+OK ready\r\n+OK ready\r\n'), closed()),
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: [[]] },
})

for (const [how, step] of [
  ['resets the connection', reset()],
  ['closes its side', fin()],
] as const) {
  faultCase({
    name: `${how} instead of a greeting`,
    script: script(step, closed()),
    expect: { exit: 69, code: 'NET_CLOSED', wire: [[]] },
  })
  faultCase({
    name: `${how} within its greeting`,
    script: script(send('+OK rea'), step, closed()),
    expect: { exit: 69, code: 'NET_CLOSED', wire: [[]] },
  })
}
