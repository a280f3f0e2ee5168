import type { SessionByHand } from '../client/by-hand.ts'
import { ArgumentError } from '../pop3/errors.ts'
import type { Keyboard } from './console-script.ts'

/** How lines that cannot be sent are taken. */
export interface Manners {
  /** Says why; nothing was sent. */
  complain(error: ArgumentError): Promise<void>
  /** A person types another line; a script, whose later lines may rest on this one, ends there. */
  readonly endsAtComplaint: boolean
}

/**
 * Sends line after line, each when the reply to the one before is whole, and QUIT behind the last if that was not typed.
 * Throws what else ended the session.
 */
export async function runSession(
  hand: SessionByHand,
  keyboard: Keyboard,
  manners: Manners,
): Promise<void> {
  // The server may end the session while the person types.
  const over = hand.listen()
  try {
    await Promise.race([over, typeAll(hand, keyboard, manners).then(() => over)])
  } finally {
    hand.close()
  }
}

async function typeAll(
  hand: SessionByHand,
  keyboard: Keyboard,
  { complain, endsAtComplaint }: Manners,
): Promise<void> {
  while (!hand.isOver) {
    const line = await keyboard.read(hand.isChallenged)
    if (line === undefined) return leave(hand)
    try {
      await hand.type(line)
    } catch (error) {
      if (!(error instanceof ArgumentError)) throw error
      await complain(error)
      if (endsAtComplaint) return leave(hand)
    }
  }
}

/** In the order that servers take it: nothing but an answer is a command while a challenge waits. */
async function leave(hand: SessionByHand): Promise<void> {
  if (hand.isChallenged) await hand.type('*')
  await hand.type('QUIT')
  hand.close()
}
