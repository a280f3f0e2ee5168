/** A session by hand: a keyboard or a script at one end, a server at the other, all that the server says on stdout. */
import { type Listener, SessionByHand } from '../client/by-hand.ts'
import { greet } from '../client/greeting.ts'
import { openMaildrop } from '../client/maildrop.ts'
import { TIMEOUTS } from '../client/timeouts.ts'
import type { Wire } from '../client/wire.ts'
import { NetworkError } from '../net/errors.ts'
import { Pop3Error } from '../pop3/errors.ts'
import { composeServer, type ServerChoice } from './compose.ts'
import { octetDisplay, terminalDisplay } from './console-display.ts'
import { LineEditor } from './console-editor.ts'
import { type Keyboard, scriptKeyboard } from './console-script.ts'
import { runSession } from './console-session.ts'
import type { CommandContext } from './context.ts'
import { describeFailure, InterruptedError } from './failure.ts'
import { interruptibly } from './interruption.ts'
import { safe } from './safe.ts'
import type { ServerOptions } from './server-options.ts'

export interface ConsoleOptions extends ServerOptions {
  readonly login?: true
}

/** A script with a line that cannot be sent. */
const WRONG_USAGE = 64

/**
 * Connects, logs in if asked to, and lets the person type. Sets the exit code of a session that ended otherwise than by
 * QUIT; throws what kept it from beginning.
 */
export async function runConsole(
  target: string,
  options: ConsoleOptions,
  context: CommandContext,
): Promise<void> {
  const { signals, quit } = context
  await interruptibly(signals, quit, async (signal) => {
    const key = new AbortController()
    // In raw mode Ctrl-C is a key; as elsewhere, the second one waits for nothing.
    const interrupt = (): void => {
      if (key.signal.aborted) quit(130)
      key.abort(new InterruptedError(130))
    }
    const server = await composeServer(target, options, context)
    try {
      await converse(server, AbortSignal.any([signal, key.signal]), { interrupt, options, context })
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error
      context.output.problem('interrupted; without QUIT the server deletes nothing.')
      context.end(error.exit)
    } finally {
      server.close()
    }
  })
}

interface Surroundings {
  /** What Ctrl-C does. */
  interrupt(): void
  readonly options: ConsoleOptions
  readonly context: CommandContext
}

async function converse(
  choice: ServerChoice,
  signal: AbortSignal,
  { interrupt, options, context }: Surroundings,
): Promise<void> {
  // Whoever asks for a password or a token wants the terminal first.
  const loggedIn = options.login ? await logIn(choice, signal, context) : undefined
  // Before it connects: what is typed meanwhile would be echoed by the terminal, a password too.
  const keyboard = context.stdin.isTTY
    ? editorFor(context, interrupt)
    : scriptKeyboard(context.stdin)
  const say = speaker(keyboard, context)
  try {
    const wire = loggedIn ?? (await greeted(choice, signal, say))
    const timeouts = { ...TIMEOUTS, ...choice.server.timeouts }
    await typeAll(new SessionByHand(wire, timeouts, say), keyboard, context)
  } finally {
    keyboard.close()
  }
}

async function greeted(choice: ServerChoice, signal: AbortSignal, say: Listener): Promise<Wire> {
  const { wire, firstGreeting } = await greet(choice.server, signal)
  try {
    await say({ type: 'unasked', line: firstGreeting })
    return wire
  } catch (error) {
    wire.close(error)
    throw error
  }
}

async function logIn(
  choice: ServerChoice,
  signal: AbortSignal,
  { output }: CommandContext,
): Promise<Wire> {
  const { user, auth } = choice.account
  const credential = await choice.credential(signal)
  try {
    const options = { ...choice.server, user, auth, credential, pipelining: false }
    const { wire, facts } = await openMaildrop(options, signal)
    if (output.stderr.isTTY) output.talk(safe(`logged in as ${user} by ${facts.mechanism}`))
    return wire
  } catch (error) {
    throw choice.explained(error)
  }
}

async function typeAll(
  hand: SessionByHand,
  keyboard: Keyboard,
  { output, stdin, end }: CommandContext,
): Promise<void> {
  try {
    await runSession(hand, keyboard, {
      complain: ({ message }) => {
        if (!stdin.isTTY) end(WRONG_USAGE)
        return keyboard.aside(async () => output.problem(`${message}.`))
      },
      endsAtComplaint: !stdin.isTTY,
    })
  } catch (error) {
    if (!(error instanceof NetworkError || error instanceof Pop3Error)) throw error
    keyboard.close()
    // What the server said was shown as it came, and the advice of the table is about syncs.
    output.problem(`${error.message}.`)
    end(describeFailure(error).exit)
  }
}

/** Writes what the server says to stdout, as a person or as a program reads it. */
function speaker(keyboard: Keyboard, { output }: CommandContext): Listener {
  const display = output.stdout.isTTY ? terminalDisplay() : octetDisplay()
  return async (heard) => {
    const words = display(heard)
    if (words.length > 0) await keyboard.aside(() => output.data(words))
  }
}

function editorFor({ stdin, output }: CommandContext, interrupt: () => void): LineEditor {
  const screen = [output.stdout, output.stderr].find(({ isTTY }) => isTTY)
  return new LineEditor({ input: stdin, screen, interrupt })
}
