import { describeFailure } from './failure.ts'

/** What to do next where the general advice is about syncs, or would send people to this very command. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['NET_TIMEOUT', 'Nothing was changed on the server; --trace shows the session.'],
  ['NET_CLOSED', 'Nothing was changed on the server; --trace shows the session.'],
  // Never a pin here: whoever stands in between has one too.
  ['NET_TLS', 'The connection is not trusted, so no password was sent.'],
  ['POP3_OUT_OF_STEP', '--trace shows what the server sent.'],
  ['POP3_LIMIT', '--trace shows what the server sent.'],
  ['LOGIN_NO_MECHANISM', 'The list of mechanisms says why; see also --auth.'],
  [
    'LOGIN_SERVER_UNPROVEN',
    'Somebody may stand in between: compare the fingerprint with that of the server.',
  ],
])

/** The error that ended a probe, with advice that suits one. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError'
  readonly code: string
  readonly serverText: string | undefined
  readonly hint: string

  constructor(failure: Error & { readonly serverText?: unknown }, code: string, hint: string) {
    super(failure.message, { cause: failure })
    this.code = code
    this.serverText = typeof failure.serverText === 'string' ? failure.serverText : undefined
    this.hint = hint
  }
}

/** The same error, or with other advice. One that has advice of its own, such as a provider's, keeps it. */
export function withProbeHint(error: unknown): unknown {
  if (!(error instanceof Error) || 'hint' in error) return error
  const { code } = describeFailure(error)
  const hint = HINTS.get(code)
  return hint === undefined ? error : new ProbeError(error, code, hint)
}
