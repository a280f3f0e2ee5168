/** A probe, from the command line to the exit code: what was learned goes to stdout as it is learned. */
import type { Account } from '../accounts/account.ts'
import { providerOfHost } from '../accounts/providers.ts'
import { type Applicant, probeServer } from '../client/probe.ts'
import { probeMaildrop } from '../client/probe-maildrop.ts'
import { composeServer, type ServerChoice } from './compose.ts'
import type { CommandContext } from './context.ts'
import { credentialType } from './credential.ts'
import { InterruptedError } from './failure.ts'
import { interruptibly } from './interruption.ts'
import { withProbeHint } from './probe-failure.ts'
import { type Findings, probeJson } from './probe-json.ts'
import { maildropText, serverText } from './probe-lines.ts'
import type { ServerOptions } from './server-options.ts'

export interface ProbeOptions extends ServerOptions {
  readonly login: boolean
  readonly json?: true
}

/** Throws what kept the probe from its end, after all that was learned before it was shown. */
export async function runProbe(
  target: string,
  options: ProbeOptions,
  context: CommandContext,
): Promise<void> {
  const { signals, quit, output, end } = context
  await interruptibly(signals, quit, async (signal) => {
    const choice = await composeServer(target, options, context)
    try {
      await probe(choice, { options, context, signal })
    } catch (error) {
      if (!(error instanceof InterruptedError)) throw error
      output.problem('interrupted; nothing was changed on the server.')
      end(error.exit)
    } finally {
      choice.close()
    }
  })
}

interface Surroundings {
  readonly options: ProbeOptions
  readonly context: CommandContext
  readonly signal: AbortSignal
}

type Draft = { -readonly [Key in keyof Findings]: Findings[Key] }

async function probe(choice: ServerChoice, surroundings: Surroundings): Promise<void> {
  const { options, context } = surroundings
  const { account } = choice
  const findings: Draft = { account, provider: providerOfHost(account.host) }
  const show = async (text: string): Promise<void> => {
    if (!options.json) await context.output.data(text)
  }
  let failure: unknown
  try {
    await learn(findings, choice, show, surroundings)
  } catch (error) {
    failure = withProbeHint(choice.explained(error))
  }
  if (options.json) await context.output.data(probeJson(findings, failure))
  if (failure !== undefined) throw failure
}

async function learn(
  findings: Draft,
  { account, server, credential }: ServerChoice,
  show: (text: string) => Promise<void>,
  { options, context, signal }: Surroundings,
): Promise<void> {
  const report = await probeServer(server, applicantOf(account, context), signal)
  findings.server = report
  await show(serverText(account, findings.provider, report, context.now()))
  if (report.failure !== undefined) throw report.failure
  if (!options.login) return
  const { user, auth } = account
  // Only now: nobody types a password for a server that proves to be the wrong one.
  const proof = await credential(signal)
  const maildrop = await probeMaildrop(
    { ...server, user, auth, credential: proof, pipelining: false },
    signal,
  )
  findings.maildrop = maildrop
  await show(maildropText(report, maildrop))
  if (maildrop.failure !== undefined) throw maildrop.failure
}

function applicantOf(account: Account, { env }: CommandContext): Applicant {
  const { user, auth } = account
  return { user, auth, credential: credentialType(account, env.POPKEEP_PASSWORD) }
}
