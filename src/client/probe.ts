/** What a server shows before anybody logs in. Sends CAPA and QUIT, and STLS where TLS begins with it. */
import type { Connection, Peer } from '../net/connection.ts'
import { NetworkError } from '../net/errors.ts'
import { type Capabilities, NO_CAPABILITIES } from '../pop3/capabilities.ts'
import { isAscii } from '../pop3/octets.ts'
import { apopStamp } from '../sasl/apop.ts'
import type { Credential } from './credential.ts'
import {
  type Greeted,
  greet,
  inspectServer,
  isClosedByCapa,
  readCapabilities,
  type ServerOptions,
} from './greeting.ts'
import { type SurveyedMechanism, surveyMechanisms } from './probe-mechanisms.ts'
import { TIMEOUTS, type Timeouts } from './timeouts.ts'

/** All that was learned until `failure`; undefined is what was not. Whatever the server said is untrusted text. */
export interface ServerReport {
  readonly peer: Peer | undefined
  /** Why the certificate is not accepted; undefined also where TLS showed none. */
  readonly certificateProblem: NetworkError | undefined
  /** The greeting's line. */
  readonly greeting: string | undefined
  readonly capabilities: CapabilityAnswer | undefined
  readonly mechanisms: readonly SurveyedMechanism[] | undefined
  /** What kept us from the rest. */
  readonly failure: unknown
}

/** `closed`: the server ended the connection, or kept silent, at CAPA. */
export type CapabilityAnswer =
  | { readonly answer: 'listed'; readonly capabilities: Capabilities }
  | { readonly answer: 'refused' | 'closed' }

/** Who is going to log in, for the choice of the mechanism. */
export interface Applicant {
  readonly user: string
  readonly credential: Credential['type']
  readonly auth: string | undefined
}

/**
 * Connects, reads greeting and capabilities, and leaves by QUIT. Where the certificate fails, a second connection looks at
 * the chain, sending nothing but the handshake. Never throws.
 */
export async function probeServer(
  options: ServerOptions,
  applicant: Applicant,
  signal: AbortSignal,
): Promise<ServerReport> {
  const nothing = { capabilities: undefined, mechanisms: undefined }
  let greeting: string | undefined
  try {
    const greeted = await greet(options, signal, [], (line) => {
      greeting = line
    })
    // Before CAPA: what closes the connection forgets who was there.
    const { peer } = greeted.connection
    const known = { peer, certificateProblem: undefined, greeting }
    return { ...known, ...(await lookAround(greeted, options, applicant)) }
  } catch (failure) {
    const seen = await lookAtCertificate(options, failure, signal)
    return { ...nothing, ...seen, greeting, failure }
  }
}

type Surroundings = Pick<ServerReport, 'capabilities' | 'mechanisms' | 'failure'>

async function lookAround(
  { wire, connection, greeting }: Greeted,
  options: ServerOptions,
  applicant: Applicant,
): Promise<Surroundings> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts }
  const facts = factsOf(connection, greeting)
  try {
    const capabilities = await askCapabilities(() => readCapabilities(wire, timeouts))
    if (capabilities.answer !== 'closed') await leave(wire, timeouts)
    const announced = capabilities.answer === 'listed' ? capabilities.capabilities : NO_CAPABILITIES
    const { user, credential, auth } = applicant
    const mechanisms = surveyMechanisms({
      ...{ credential, auth, announced, isAscii: isAscii(user) },
      ...facts,
    })
    return { capabilities, mechanisms, failure: undefined }
  } catch (failure) {
    return { capabilities: undefined, mechanisms: undefined, failure }
  } finally {
    wire.close()
  }
}

function factsOf(connection: Connection, greeting: string | undefined) {
  return {
    isEncrypted: connection.isEncrypted,
    canBind: connection.channelBinding() !== undefined,
    hasStamp: greeting !== undefined && apopStamp(greeting) !== undefined,
  }
}

async function askCapabilities(ask: () => Promise<Capabilities>): Promise<CapabilityAnswer> {
  try {
    const capabilities = await ask()
    if (capabilities === NO_CAPABILITIES) return { answer: 'refused' }
    return { answer: 'listed', capabilities }
  } catch (error) {
    if (isClosedByCapa(error)) return { answer: 'closed' }
    throw error
  }
}

/** QUIT. How it is answered says nothing about the server that one would want to know. */
async function leave(wire: Greeted['wire'], { quit }: Timeouts): Promise<void> {
  try {
    await wire.ask({ keyword: 'QUIT' }, quit)
  } catch {
    // All that was asked is known.
  }
}

/** Only where TLS is to blame: nobody else gets a second connection. */
async function lookAtCertificate(
  options: ServerOptions,
  failure: unknown,
  signal: AbortSignal,
): Promise<Pick<ServerReport, 'peer' | 'certificateProblem'>> {
  const { tls } = options
  const nothing = { peer: undefined, certificateProblem: undefined }
  const isAboutTls = failure instanceof NetworkError && failure.code === 'NET_TLS'
  if (tls === 'none' || !isAboutTls) return nothing
  try {
    const { peer, problem } = await inspectServer({ ...options, tls }, signal)
    // The first error knows its cause. The second connection may have met another, better server.
    return { peer, certificateProblem: problem && failure }
  } catch {
    // The handshake itself fails: the first error says so, and nothing can be shown.
    return nothing
  }
}
