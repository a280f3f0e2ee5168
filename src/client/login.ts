import { NetworkError } from '../net/errors.ts'
import type { Capabilities } from '../pop3/capabilities.ts'
import { commandOctets } from '../pop3/command.ts'
import { ProtocolError, SessionError } from '../pop3/errors.ts'
import { COMMAND_OCTETS } from '../pop3/limits.ts'
import { plainMessage } from '../sasl/plain.ts'
import { classifyLoginRefusal, isAboutForm, LoginError } from './refusal.ts'
import type { Timeouts } from './timeouts.ts'
import type { StatusEvent, Wire } from './wire.ts'

/** `user`: USER and PASS (RFC 1939 section 7). `plain`: AUTH PLAIN (RFC 5034, RFC 4616). */
export type Mechanism = 'user' | 'plain'

export interface Credentials {
  readonly user: string
  readonly secret: string
}

/**
 * Logs in, by the mechanism asked for, else by PLAIN where it is announced, else by USER and PASS. The password is sent
 * once; twice only if the first form of AUTH was refused by words that are not about credentials.
 *
 * Throws LoginError, or what ends the connection.
 */
export async function login(
  wire: Wire,
  credentials: Credentials,
  announced: Capabilities,
  { auth, timeouts }: { readonly auth: Mechanism | undefined; readonly timeouts: Timeouts },
): Promise<void> {
  const mechanism = auth ?? chooseMechanism(announced)
  if (mechanism === undefined || (mechanism === 'plain' && !offersPlain(announced))) {
    throw new LoginError('LOGIN_NO_MECHANISM')
  }
  wire.conceal(credentials.secret)
  const reply =
    mechanism === 'plain'
      ? await authPlain(wire, credentials, timeouts)
      : await userPass(wire, credentials, timeouts)
  if (reply.ok) return
  throw new LoginError(classifyLoginRefusal(reply, announced.has('AUTH-RESP-CODE')), reply)
}

function offersPlain(announced: Capabilities): boolean {
  return announced.args('SASL').some((mechanism) => mechanism.toUpperCase() === 'PLAIN')
}

/** A server that announces neither USER nor any SASL mechanism is one that announces little: USER is tried. */
function chooseMechanism(announced: Capabilities): Mechanism | undefined {
  if (offersPlain(announced)) return 'plain'
  return announced.has('USER') || !announced.has('SASL') ? 'user' : undefined
}

async function userPass(
  wire: Wire,
  { user, secret }: Credentials,
  timeouts: Timeouts,
): Promise<StatusEvent> {
  const named = await wire.ask({ keyword: 'USER', user }, timeouts.login)
  return named.ok ? wire.ask({ keyword: 'PASS', secret }, timeouts.login) : named
}

/**
 * With the initial response in the command line where it fits (RFC 5034 section 4); where that form is refused, as by
 * Exchange Online, once more in two steps.
 */
async function authPlain(
  wire: Wire,
  { user, secret }: Credentials,
  timeouts: Timeouts,
): Promise<StatusEvent> {
  const message = plainMessage(user, secret)
  wire.conceal(message)
  const inOneLine = { keyword: 'AUTH', mechanism: 'PLAIN', initialResponse: message } as const
  if (commandOctets(inOneLine) > COMMAND_OCTETS) return exchange(wire, message, false, timeouts)
  const first = await exchange(wire, message, true, timeouts)
  if (first.ok || !isAboutForm(first)) return first
  try {
    return await exchange(wire, message, false, timeouts)
  } catch (error) {
    // Many servers close behind -ERR; what they said before tells more than that.
    if (error instanceof NetworkError || error instanceof SessionError) return first
    throw error
  }
}

/** One AUTH command to its status line. A second challenge, or one behind an answer, is cancelled. */
async function exchange(
  wire: Wire,
  message: string,
  withInitialResponse: boolean,
  timeouts: Timeouts,
): Promise<StatusEvent> {
  const initialResponse = withInitialResponse ? message : undefined
  wire.send([{ keyword: 'AUTH', mechanism: 'PLAIN', initialResponse }])
  let answers = 0
  for (;;) {
    const event = await wire.event(timeouts.login)
    if (event.type === 'status') {
      // Some servers say +OK where + belongs: not a login, the credentials were not sent.
      const isEarly = event.ok && !withInitialResponse && answers === 0
      if (!isEarly) return event
    }
    if (event.type !== 'continuation' || answers > 1) {
      throw new ProtocolError('POP3_OUT_OF_STEP', 'AUTH PLAIN went another way than RFC 4616')
    }
    wire.answer(answers === 0 ? message : '*')
    answers += 1
  }
}
