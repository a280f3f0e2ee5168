/** Servers, and those between, that keep TLS from coming about, or are not who they should be. */
import { X509Certificate } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'vitest'
import { pinOf } from '../../src/net/certificate.ts'
import { type CertificateWishes, makeCertificate } from '../support/certificates.ts'
import {
  closed,
  expectLine,
  fin,
  reset,
  type ScriptedConnection,
  type ScriptedServer,
  type Step,
  scriptedServer,
  scriptedTlsServer,
  send,
} from '../support/scripted-server.ts'
import { faultCase, type Stage } from './fault-case.ts'
import { serve } from './healthy-server.ts'
import type { ServerKey } from './household.ts'

/** Nothing but a TLS handshake came, behind STLS where that begins it. */
function heardNoWord(server: ScriptedServer): void {
  for (const { receivedText } of server.connections) {
    expect(receivedText).not.toMatch(/CAPA|AUTH|USER|PASS|UTF8|QUIT/)
  }
  expect(server.connections.length).toBeLessThanOrEqual(1)
}

/** A server that shows this certificate, and is in health behind it. */
const showing =
  (wishes: CertificateWishes | ((stage: Stage) => ServerKey), more: object = {}) =>
  (stage: Stage): Promise<ScriptedServer> => {
    const tls =
      typeof wishes === 'function' ? wishes(stage) : makeCertificate(stage.certificates, wishes)
    return stage.mode === 'implicit'
      ? scriptedTlsServer({ ...tls, ...more }, [send('+OK ready\r\n'), (one) => serve(one)])
      : scriptedServer([
          ...[send('+OK ready\r\n'), expectLine('STLS'), send('+OK\r\n')],
          (one) => one.startTls({ ...tls, ...more }).catch(() => undefined),
          closed(),
        ])
  }

const here = { subject: '/CN=localhost', altNames: 'DNS:localhost, IP:127.0.0.1' }

for (const [what, wishes] of [
  ['expired', { ...here, days: [-9, -5] }],
  ['for another name', { altNames: 'DNS:pop.example.com, IP:192.0.2.1' }],
  ['self-signed', { ...here, signedBy: 'itself' }],
  ['for *.com', { altNames: 'DNS:*.com' }],
  ['with the address as a name only', { subject: '/CN=127.0.0.1', altNames: 'DNS:127.0.0.1' }],
] as const) {
  faultCase({
    name: `shows a certificate that is ${what}`,
    modes: ['implicit', 'stls'],
    start: showing(wishes as CertificateWishes),
    expect: { exit: 76, code: 'NET_TLS', wire: heardNoWord, stderr: /certificate/ },
  })
}

faultCase({
  name: 'shows a certificate of a CA that nobody here trusts',
  modes: ['implicit', 'stls'],
  start: showing(({ tls }) => tls),
  trust: () => [],
  expect: {
    exit: 76,
    code: 'NET_TLS',
    wire: heardNoWord,
    stderr: /nobody that this machine trusts/,
  },
})

faultCase({
  name: 'shows another key than the pinned one, in a certificate that is right',
  modes: ['implicit', 'stls'],
  start: showing(({ tls }) => tls),
  trust: ({ certificates }) => ['--tls-ca', certificates.ca, '--tls-pin', '0'.repeat(64)],
  expect: { exit: 76, code: 'NET_TLS', wire: heardNoWord, stderr: /not the pinned one/ },
})

faultCase({
  name: 'has nothing newer than TLS 1.1',
  modes: ['implicit', 'stls'],
  start: showing(({ tls }) => tls, {
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'DEFAULT@SECLEVEL=0',
  }),
  expect: { exit: 76, code: 'NET_TLS', wire: heardNoWord },
})

faultCase({
  name: 'speaks clear text on the port of TLS',
  modes: ['implicit'],
  start: () => scriptedServer([send('+OK ready\r\n'), closed()]),
  expect: {
    exit: 76,
    code: 'NET_NO_TLS',
    wire: (server) => {
      heardNoWord(server)
      expect(server.connections[0]?.receivedText).toMatch(/^\x16\x03/)
    },
  },
})

for (const [how, step] of [
  ['resets the connection', reset()],
  ['closes its side', fin()],
] as const) {
  faultCase({
    name: `${how} instead of a TLS handshake`,
    modes: ['implicit'],
    start: () => scriptedServer([step, closed()]),
    expect: { exit: 69, code: 'NET_CLOSED', wire: heardNoWord },
  })
}

/** Greeting, STLS, and these. The wire holds STLS alone: not even a ClientHello. */
const atStls = (...steps: readonly Step[]) => ({
  modes: ['stls'] as const,
  script: (): readonly [readonly Step[]] => [
    [send('+OK ready\r\n'), expectLine('STLS'), ...steps, closed()],
  ],
})
const onlyStls = [['STLS']] as const

for (const reply of ['-ERR unknown command', '-ERR', '-ERR no\r\n+OK go on without']) {
  faultCase({
    name: `refuses STLS: ${JSON.stringify(reply)}`,
    ...atStls(send(`${reply}\r\n`)),
    expect: { exit: 76, code: 'NET_POLICY', wire: onlyStls, stderr: /without TLS nothing is sent/ },
  })
}

for (const injected of [
  '+OK injected\r\n',
  '+OK\r\nSASL PLAIN\r\n.\r\n',
  '-ERR x\r\n',
  '\r\n',
  'x',
]) {
  faultCase({
    name: `says more in the segment of its reply to STLS: ${JSON.stringify(injected)}`,
    ...atStls(send(`+OK begin\r\n${injected}`)),
    expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: onlyStls },
  })
}

faultCase({
  name: 'replies to STLS before it was sent',
  modes: ['stls'],
  script: () => [[send('+OK ready\r\n+OK begin\r\n'), closed()]],
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: [[]] },
})

faultCase({
  name: 'says more behind its reply to STLS, when the handshake has begun',
  ...atStls(send('+OK begin\r\n'), clientHello, send('+OK injected\r\n')),
  expect: { exit: 76, code: 'NET_TLS', wire: heardNoWord, stderr: /tampering/ },
})

for (const [how, step] of [
  ['resets the connection', reset()],
  ['closes its side', fin()],
] as const) {
  faultCase({
    name: `${how} at STLS`,
    ...atStls(step),
    expect: { exit: 69, code: 'NET_CLOSED', wire: onlyStls },
  })
  faultCase({
    name: `${how} behind its reply to STLS`,
    ...atStls(send('+OK begin\r\n'), step),
    expect: { exit: 69, code: 'NET_CLOSED', wire: heardNoWord },
  })
}

faultCase({
  name: 'answers STLS with something that is no reply',
  ...atStls(send('220 ready\r\n')),
  expect: { exit: 76, code: 'POP3_OUT_OF_STEP', wire: onlyStls },
})

faultCase({
  name: 'offers weak mechanisms and a timestamp in clear text, and others behind TLS',
  modes: ['stls'],
  script: ({ tls }) => [
    [
      send('+OK ready <1.2@clear.example>\r\n'),
      expectLine('STLS'),
      send('+OK\r\n'),
      (one) => one.startTls(tls),
      expectLine('CAPA'),
      send('+OK\r\nSASL GSSAPI\r\n.\r\n'),
      closed(),
    ],
  ],
  args: ['--auth', 'apop'],
  expect: { exit: 76, code: 'LOGIN_NO_MECHANISM', wire: [['STLS', 'CAPA']] },
})

faultCase({
  name: 'is self-signed and pinned: that is trust',
  modes: ['implicit'],
  start: showing(selfSigned),
  trust: (stage) => ['--tls-pin', pinOf(new X509Certificate(selfSigned(stage).cert))],
  expect: { exit: 0, wire: (server) => expect(server.connections).toHaveLength(1) },
})

let ofItself: ServerKey | undefined
function selfSigned({ certificates }: Stage): ServerKey {
  ofItself ??= makeCertificate(certificates, { ...here, signedBy: 'itself' })
  return ofItself
}

async function clientHello(connection: ScriptedConnection): Promise<void> {
  while (!connection.receivedText.includes('\x16\x03')) await nextTurn()
}
