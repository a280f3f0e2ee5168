/** Which ways to log in a server has, and what a login would make of each. Pure. */
import { type Circumstances, chooseMechanisms, SUPPORTED_MECHANISMS } from './mechanisms.ts'

export interface SurveyedMechanism {
  /** `USER`, `APOP` or the SASL name, in upper case. Untrusted where it is none of SUPPORTED_MECHANISMS. */
  readonly name: string
  /** Whether the server offers it. Some that it does not are tried: XOAUTH2 is hidden by some servers. */
  readonly isOffered: boolean
  /** Its place in the order in which a login tries them, from 1; undefined: it is not tried. */
  readonly place: number | undefined
  /** Why it is not tried; undefined if it is. */
  readonly reason: string | undefined
}

/** Those that would be tried, in their order, then the others that the server offers, in its order. */
export function surveyMechanisms(circumstances: Circumstances): readonly SurveyedMechanism[] {
  const offered = offeredBy(circumstances)
  const candidates = chooseMechanisms(circumstances)
  const tried = candidates.map((name, index) => ({
    name,
    isOffered: offered.includes(name),
    place: index + 1,
    reason: undefined,
  }))
  const others = offered
    .filter((name) => !candidates.includes(name))
    .map((name) => ({
      name,
      isOffered: true,
      place: undefined,
      reason: reasonAgainst(name, circumstances, candidates),
    }))
  return [...tried, ...others]
}

/** USER counts as offered where nothing is; the timestamp in the greeting is how APOP is. */
function offeredBy({ announced, hasStamp }: Circumstances): readonly string[] {
  const names = announced.args('SASL').map((name) => name.toUpperCase())
  if (announced.has('USER') || !announced.has('SASL')) names.push('USER')
  if (hasStamp) names.push('APOP')
  return [...new Set(names)]
}

function reasonAgainst(
  name: string,
  { auth, credential, isEncrypted, canBind, isAscii }: Circumstances,
  candidates: readonly string[],
): string {
  if (!SUPPORTED_MECHANISMS.includes(name)) return 'popkeep does not have it'
  const proof = proofFor(name)
  if (proof !== credential) return `needs a ${proof}, and the account has a ${credential}`
  if (auth !== undefined) return `only ${auth} is asked for`
  if (name === 'APOP') return 'used only where it is asked for'
  if (name === 'EXTERNAL' && !isEncrypted) return 'needs TLS'
  if (name.endsWith('-PLUS') && !canBind) return 'needs channel binding, which is not there'
  if (name === 'USER' && !isAscii) return 'the user name goes beyond ASCII'
  const [first = ''] = candidates
  return `not behind ${first}: who refuses that may stand in between`
}

function proofFor(name: string): Circumstances['credential'] {
  if (name === 'EXTERNAL') return 'certificate'
  return name === 'XOAUTH2' || name === 'OAUTHBEARER' ? 'token' : 'password'
}
