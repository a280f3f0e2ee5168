/** How a run has to end to which the system gave an error. */
import type { Finished } from '../support/popkeep.ts'

/** One line: what failed, what the system said, and what to do. A warning of popkeep's own state may stand before it. */
const SENTENCE =
  /^(?:popkeep: [^\n]+: this archive cannot be remembered[^\n]+\n)?popkeep: [^\n]+ \((?:E[A-Z]+|SQLITE_[A-Z_]+)\)\. [A-Z][^\n]+\.\n$/

/** What is wrong with the end of a run that could not write: 73 or 74, one sentence, and nothing else. */
export function misreported({ code, signal, stdout, stderr }: Finished): string[] {
  const problems: string[] = []
  if (code !== 73 && code !== 74) problems.push(`it left with ${code ?? signal}`)
  if (!SENTENCE.test(stderr.toString())) problems.push(`it said ${JSON.stringify(`${stderr}`)}`)
  if (stdout.length > 0) problems.push(`stdout has ${stdout}`)
  return problems
}

/** Whether a run ended as if there had been no error. */
export function isQuiet({ code, stdout, stderr }: Finished): boolean {
  return code === 0 && stdout.length === 0 && stderr.length === 0
}
