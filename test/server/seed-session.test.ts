import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Pop3Server } from '../../src/server/listen.ts'
import { SEED_GREETING, seedServer } from '../support/seed-server.ts'

/** The dialogue of 2 July 1997: what was typed, and each reply as it was on the wire. */
const LISTING = [
  '+OK 6 messages (12576 octets)',
  '1 1447',
  '2 2640',
  '3 2296',
  '4 1100',
  '5 3025',
  '6 2068',
  '.',
]
const MESSAGE = [
  '+OK 1100 octets',
  'Received: from mail1.relcom.ru (mail1.relcom.ru [193.125.152.4]) by quest.net.kiae.su (8.7.5/8.7.3) with ESMTP id CAA09628',
  '\tfor <paul@quest.net.kiae.su>; Wed, 2 Jul 1997 02:51:43 +0400 (MSD)',
  'Received: from thevni (uucp@localhost) by mail1.relcom.ru ',
  '\t(8.7.5.R.ML.S/Relcom-2A) with UUCP',
  '\t id BAA03544 for paul;Wed, 2 Jul 1997 01:34:45 +0400 (MSD)',
  'Received: by Relay1.relcom.ru (UUMAIL/2.0); Wed,  2 Jul 97 01:34:44 +0300',
  'Received: by theor.vniinm.msk.su (UUPC/@ v5.06gamma, 07Feb93);',
  '          Wed,  2 Jul 1997 01:24:57 +0400',
  'To: paul@kiae.su',
  'References: <33B92C6B.9FA2C1A4@kiae.su>',
  'Message-Id: <AAeMNkpiq1@theor.vniinm.msk.su>',
  'Organization: A.A. Bochvar Institute for Inorganic Materials, Theoret',
  'From: "Alexander Z. Solontsov" <sol@theor.vniinm.msk.su>',
  'Date: Wed,  2 Jul 97 01:24:56 +0400',
  'X-Mailer: BML [MS/DOS Beauty Mail v.1.36]',
  'Subject:  life',
  'Lines: 9',
  'X-UIDL: 2313051b98ef908dceefe8b801d9e60d',
  'Status: RO',
  '',
  'To: N.M.Sergeeva',
  '',
  'Dear H.M.,',
  '',
  'I am still alive, publishing a lot, and this year applied to RAN.',
  'Would be pleased to hear from you in a more derect way.',
  'Alexander',
  '',
  '.',
]
const DIALOGUE: readonly (readonly [string, readonly string[]])[] = [
  ['user paul', ['+OK Password required for paul.']],
  ['pass Kukuru23432', ['+OK paul has 6 messages (12576 octets).']],
  ['stat', ['+OK 6 12576']],
  ['list', LISTING],
  ['noop', ['+OK']],
  ['last', ['+OK 4 is the last read message.']],
  ['retr 4', MESSAGE],
  ['dele 4', ['+OK Message 4 has been deleted.']],
  ['rset 4', ['-ERR Too many arguments for the rset command.']],
  ['rset', ['+OK Maildrop has 6 messages (12576 octets)']],
  ['list', LISTING],
  ['quit', ['+OK Pop server at quest.net.kiae.su signing off.']],
]
const TRANSCRIPT = [[SEED_GREETING], ...DIALOGUE.map(([, reply]) => reply)]
  .flat()
  .map((line) => `${line}\r\n`)
  .join('')

describe('the session of 1997', () => {
  let server: Pop3Server
  beforeEach(async () => {
    server = await seedServer()
  })
  afterEach(() => server.close())

  it('goes octet for octet, typed one command at a time', async () => {
    const socket = connect(server.port, server.host)
    let heard = ''
    let wake = (): void => {}
    socket.setEncoding('latin1').on('data', (text: string) => {
      heard += text
      wake()
    })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    const hear = async (lines: readonly string[]): Promise<void> => {
      const reply = lines.map((line) => `${line}\r\n`).join('')
      while (heard.length < reply.length) await new Promise<void>((resolve) => (wake = resolve))
      expect(heard).toBe(reply)
      heard = ''
    }
    await hear([SEED_GREETING])
    for (const [typed, reply] of DIALOGUE) {
      socket.write(`${typed}\r\n`)
      await hear(reply)
    }
    await closed
  })

  it('goes the same when all of it is typed ahead', async () => {
    const socket = connect(server.port, server.host)
    socket.write(DIALOGUE.map(([typed]) => `${typed}\r\n`).join(''))
    const pieces: Buffer[] = []
    for await (const piece of socket) pieces.push(piece as Buffer)
    expect(Buffer.concat(pieces).toString('latin1')).toBe(TRANSCRIPT)
  })

  it('finds message 4 in the state in which the first session left it', async () => {
    for (let session = 0; session < 2; session += 1) {
      const socket = connect(server.port, server.host)
      socket.end(DIALOGUE.map(([typed]) => `${typed}\n`).join(''))
      const pieces: Buffer[] = []
      for await (const piece of socket) pieces.push(piece as Buffer)
      expect(Buffer.concat(pieces).toString('latin1')).toBe(TRANSCRIPT)
    }
  })
})
