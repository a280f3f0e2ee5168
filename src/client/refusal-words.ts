/**
 * What servers say in words where they send no response code: to whom it may concern, in dozens of wordings. Those of the
 * field stand in test/client/refusal.test.ts.
 */

/** What a refusal is about, if not about user or password. */
export type Topic = 'too soon' | 'in use' | 'passing' | 'owner must act'

const tooSoon =
  /too (many(?! arg)|often|frequent|soon|quick|fast)|exceeded|\blimit|minutes?\b|\bwait\b|throttl|login delay/i
const inUse =
  /\block|\b(in|being) used?\b|\bbusy\b|already (open|logged|in use|connected|active)|another (pop3? )?(session|connection)/i
const passing =
  /tempora|try (it )?(again|later)|again later|unavailable|not available|overload|timed? ?out|internal (server )?error|out of service|maintenance/i
const closedAccount =
  /\b(account|user|login)\b.*\b(locked|disabled|suspended|blocked|closed|deactivated|inactive|expired)\b|\b(mailbox|maildrop)\b.*\b(disabled|suspended|blocked|deactivated|inactive|expired)\b|password\b.*\bexpired/i
/** The password may be right: POP3 is switched off for this account, or its owner must go to a web page first. */
const ownerMustAct =
  /web login required|log ?in via your web browser|\bpop(3)?\b.*\b(not|disabled|switched off|deactivated)\b|(enable|activate)\b.*\bpop(3)?\b|not (allowed|enabled|permitted|authori[sz]ed) (to use|for) pop/i
/** RFC 5034 section 4 leaves the words to the server; these speak of the way to log in, not of the credentials. */
const noSuchWay =
  /(unknown|unsupported|unrecogni[sz]ed|invalid|no such|bad) (\w+[ -])?(command|mechanism|method|(auth\w*|sasl) (type|mech\w*|method))|(command|mechanism|method|auth\w* type)\b.*\b(not|unknown|unsupported|unrecogni[sz]ed|invalid|disabled)\b|not (supported|implemented)|unsupported|plain-?text auth\w* (disallowed|disabled|not)/i

/** More than a person would be told. The patterns take quadratic time, and a reply to AUTH may have 64 KiB. */
const WORDS = 512

/** What the words are about; undefined: perhaps user or password. */
export function topicOf(line: string): Topic | undefined {
  const text = line.slice(0, WORDS)
  if (closedAccount.test(text)) return passing.test(text) ? 'passing' : 'owner must act'
  if (ownerMustAct.test(text)) return 'owner must act'
  if (tooSoon.test(text)) return 'too soon'
  if (inUse.test(text)) return 'in use'
  return passing.test(text) ? 'passing' : undefined
}

/** Whether they speak of how the command is written. In a language that we do not know, they do not. */
export function speaksOfForm(line: string): boolean {
  return /syntax|protocol|command|argument|parameter|\bline\b|too long|initial|unexpected|invalid|unrecogni[sz]ed|unknown|unsupported|not (supported|implemented)|\bbad\b/i.test(
    line.slice(0, WORDS),
  )
}

/** Whether they speak of user or password, in whatever way. */
export function speaksOfCredentials(line: string): boolean {
  const text = line.slice(0, WORDS)
  return /auth|passw|credential|log.?(in|on)|user|account|denied|permi|mailbox|maildrop/i.test(text)
}

/** Whether they say that the session is over: Dovecot's "Disconnected for inactivity.", UW's "Autologout; idle for too long". */
export function endsSession(line: string): boolean {
  return /inactiv|\bidle\b|auto-?log(ged )?-?out|disconnect|shutting down|server is going down/i.test(
    line.slice(0, WORDS),
  )
}

/** Whether the server does not know, or not permit, this way to log in. */
export function deniesWay(text: string): boolean {
  return noSuchWay.test(text.slice(0, WORDS))
}
