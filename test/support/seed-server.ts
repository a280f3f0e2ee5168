/** The server of 2 July 1997, as it stood when the session on record began: the same process, the same second. */
import { listen, type Pop3Server } from '../../src/server/listen.ts'
import { qpopper } from '../../src/server/personality.ts'
import {
  SEED_HOST,
  SEED_PASSWORD,
  SEED_USER,
  seedMaildrop,
} from '../../src/server/seed-maildrop.ts'

export const SEED_GREETING =
  '+OK QPOP (version 2.2) at quest.net.kiae.su starting.  <10124.867839706@quest.net.kiae.su>'

export function seedServer(): Promise<Pop3Server> {
  return listen({
    host: '127.0.0.1',
    port: 0,
    maildrops: [{ user: SEED_USER, secret: SEED_PASSWORD, source: seedMaildrop() }],
    personality: qpopper({ hostName: SEED_HOST, now: () => 867839706_000, pid: () => 10124 }),
    onFault: (fault) => {
      throw fault
    },
  })
}
