import { isProven } from '../../src/server/authentication.ts'
import type {
  MaildropAccount,
  MaildropSource,
  OpenMaildrop,
} from '../../src/server/maildrop-source.ts'
import { MemoryMaildrop } from '../../src/server/memory-maildrop.ts'
import { messageOctets } from '../../src/server/message-octets.ts'
import type { Personality } from '../../src/server/personality.ts'
import { qpopper } from '../../src/server/personality.ts'
import { ServerSession } from '../../src/server/session.ts'

/** From RFC 1939 section 7, so that its APOP example can be played. */
export const TIMESTAMP = '<1896.697170952@dbc.mtview.ca.us>'

export const personality: Personality = qpopper({
  hostName: 'pop.example.org',
  now: () => 0,
  pid: () => 1,
})

/** Three short messages; the second begins lines with dots. */
export function threeMessages(): MemoryMaildrop {
  const encoder = new TextEncoder()
  return new MemoryMaildrop(
    [
      'Subject: one\r\n\r\nfirst line\r\nsecond line\r\nthird line\r\n',
      'Subject: two\r\n\r\n.\r\n..\r\n.hidden\r\n',
      'Subject: three\r\n\r\n',
    ].map((text, index) => ({ octets: encoder.encode(text), uniqueId: `uid-${index + 1}` })),
  )
}

export function mrose(source: MaildropSource = threeMessages()): MaildropAccount {
  return { user: 'mrose', secret: 'tanstaaf', source }
}

export interface Conversation {
  /** Latin1 text of all that the server wrote behind the greeting. */
  readonly replies: string
  readonly closed: boolean
  readonly state: ServerSession['state']
}

/** Plays the host of a session without sockets: feeds the pieces one by one and performs each action. */
export async function converse(
  pieces: Iterable<string | Uint8Array>,
  account: MaildropAccount = mrose(),
): Promise<Conversation> {
  const session = new ServerSession({ personality, timestamp: TIMESTAMP })
  const written: Uint8Array[] = []
  let maildrop: OpenMaildrop | undefined
  let closed = false
  const perform = async (): Promise<void> => {
    for (let action = session.next(); action; action = session.next()) {
      if (closed) throw new Error('an action behind close')
      switch (action.type) {
        case 'write':
          written.push(action.octets)
          break
        case 'message':
          for await (const octets of messageOctets(action.message, action.bodyLines)) {
            written.push(octets.slice())
          }
          break
        case 'login':
          if (action.claim.user === account.user && isProven(action.claim, account.secret)) {
            maildrop = await account.source.open()
            session.opened(maildrop.messages)
          } else {
            session.refused('credentials')
          }
          break
        case 'update':
          await maildrop?.commit(action.deleted, action.accessed)
          session.updated(true)
          break
        case 'close':
          closed = true
          break
        default:
          throw new Error(`unknown action ${JSON.stringify(action satisfies never)}`)
      }
    }
  }
  await perform()
  written.length = 0
  for (const piece of pieces) {
    session.receive(typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece)
    await perform()
  }
  return {
    replies: Buffer.concat(written).toString('latin1'),
    closed,
    state: session.state,
  }
}

/** The replies to commands behind a login, one line each. */
export async function afterLogin(
  commands: readonly string[],
  account: MaildropAccount = mrose(),
): Promise<readonly string[]> {
  const { replies } = await converse(
    [`USER mrose\r\nPASS tanstaaf\r\n${commands.map((command) => `${command}\r\n`).join('')}`],
    account,
  )
  return replies.split('\r\n').slice(2, -1)
}

/** The replies to commands before any login, one line each. */
export async function beforeLogin(commands: readonly string[]): Promise<readonly string[]> {
  const { replies } = await converse([commands.map((command) => `${command}\r\n`).join('')])
  return replies.split('\r\n').slice(0, -1)
}
