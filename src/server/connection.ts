/**
 * One accepted connection: performs the actions of its session on a socket.
 *
 * Nothing is read while an action is under way, and no octet of a message is fetched while the socket is full: a slow
 * client slows its own session and costs no memory.
 */
import type { Socket } from 'node:net'
import type { ServerAction } from './action.ts'
import type { LoginClaim } from './authentication.ts'
import { isProven } from './authentication.ts'
import type { MaildropAccount, MaildropSource, OpenMaildrop } from './maildrop-source.ts'
import { messageOctets } from './message-octets.ts'
import type { Personality } from './personality.ts'
import { ServerSession } from './session.ts'

/** What the connections of one server share. */
export interface ServerContext {
  readonly maildrops: readonly MaildropAccount[]
  readonly personality: Personality
  /** Maildrops that a session holds (RFC 1939 section 4: exclusive access). */
  readonly locked: Set<MaildropSource>
  /** Calls `expire` once, `idleMs` after the latest start; the returned function stops it. */
  startIdleTimer(expire: () => void): () => void
  /** Hears what went wrong behind the protocol: a maildrop that did not open, read or commit. */
  onFault(fault: unknown): void
}

/** Serves the connection to its end. Never rejects. The maildrop is released whatever happens. */
export async function serveConnection(socket: Socket, context: ServerContext): Promise<void> {
  const connection = new Connection(socket, context)
  try {
    await connection.serve()
  } finally {
    connection.release()
  }
}

/** The client is gone: nothing to report, nobody to tell. */
class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost'
}

class Connection {
  readonly #socket: Socket
  readonly #context: ServerContext
  readonly #session: ServerSession
  #held: { readonly source: MaildropSource; readonly maildrop: OpenMaildrop } | undefined
  #stopIdleTimer = (): void => {}
  #isGathering = false

  constructor(socket: Socket, context: ServerContext) {
    this.#socket = socket
    this.#context = context
    this.#session = new ServerSession({
      personality: context.personality,
      timestamp: context.personality.timestamp(),
    })
  }

  async serve(): Promise<void> {
    const socket = this.#socket
    // Errors of the socket reach the reading loop below; a late one must not end the process.
    socket.on('error', () => {})
    this.#restartIdleTimer()
    try {
      await this.#performAll()
      for await (const octets of socket.iterator({ destroyOnReturn: false })) {
        this.#restartIdleTimer()
        this.#session.receive(octets as Uint8Array)
        await this.#performAll()
        if (this.#session.state === 'closed') break
      }
      await this.#finish()
    } catch (error) {
      // On a destroyed socket every error is only the way in which the loss of the connection showed.
      if (!(error instanceof ConnectionLost) && !socket.destroyed) this.#context.onFault(error)
    } finally {
      this.#stopIdleTimer()
      socket.destroy()
    }
  }

  release(): void {
    if (this.#held === undefined) return
    this.#held.maildrop.release()
    this.#context.locked.delete(this.#held.source)
    this.#held = undefined
  }

  async #performAll(): Promise<void> {
    for (let action = this.#session.next(); action; action = this.#session.next()) {
      await this.#perform(action)
    }
  }

  async #perform(action: ServerAction): Promise<void> {
    switch (action.type) {
      case 'write':
        return await this.#write(action.octets)
      case 'message':
        for await (const octets of messageOctets(action.message, action.bodyLines)) {
          await this.#write(octets)
        }
        return
      case 'login':
        return await this.#login(action.claim)
      case 'update':
        return await this.#update(action)
      case 'close':
        return
    }
  }

  async #login(claim: LoginClaim): Promise<void> {
    const { maildrops, locked } = this.#context
    const account = maildrops.find(({ user }) => latin1(user) === claim.user)
    // An unknown user costs the same work as a wrong password.
    const proven = isProven(claim, account?.secret ?? '')
    if (account === undefined || !proven) return this.#session.refused('credentials')
    const { source } = account
    if (locked.has(source)) return this.#session.refused('in use')
    locked.add(source)
    try {
      this.#held = { source, maildrop: await source.open() }
    } catch (fault) {
      locked.delete(source)
      this.#context.onFault(fault)
      return this.#session.refused('failed')
    }
    this.#session.opened(this.#held.maildrop.messages)
  }

  async #update(action: ServerAction & { readonly type: 'update' }): Promise<void> {
    try {
      await this.#held?.maildrop.commit(action.deleted, action.accessed)
    } catch (fault) {
      this.#context.onFault(fault)
      return this.#session.updated(false)
    } finally {
      // RFC 1939 section 6: the lock is gone before the reply, so that the next session finds the door open.
      this.release()
    }
    this.#session.updated(true)
  }

  async #write(octets: Uint8Array): Promise<void> {
    const socket = this.#socket
    if (!socket.writable) throw new ConnectionLost()
    this.#gather()
    if (socket.write(octets)) return
    await drainedOrClosed(socket)
    if (!socket.writable) throw new ConnectionLost()
    this.#restartIdleTimer()
  }

  /** What is written before something has to be waited for leaves together, and is not held back any longer. */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    this.#socket.cork()
    // A tick comes behind all promises that are settled already: a maildrop in memory is read to its end before it.
    process.nextTick(() => {
      this.#isGathering = false
      this.#socket.uncork()
    })
  }

  /** Sends FIN, then reads to the client's own end, so that unread octets do not turn the close into a reset. */
  async #finish(): Promise<void> {
    const socket = this.#socket
    this.release()
    if (socket.destroyed) return
    socket.end()
    socket.resume()
    await closed(socket)
  }

  #restartIdleTimer(): void {
    this.#stopIdleTimer()
    // RFC 1939 section 3: an expired session is closed without reply and without the update state.
    this.#stopIdleTimer = this.#context.startIdleTimer(() => this.#socket.destroy())
  }
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** 'close' comes instead of 'drain' if the client left, or the idle timer ended the connection. */
function drainedOrClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      socket.off('drain', settle)
      socket.off('close', settle)
      resolve()
    }
    socket.once('drain', settle)
    socket.once('close', settle)
  })
}

function latin1(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}
