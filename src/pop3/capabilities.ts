/** What a server announced by CAPA (RFC 2449 section 5). Immutable. */
export interface Capabilities {
  /** The lines as they came, one UTF-16 unit for each octet, without line ends; for people to read. */
  readonly lines: readonly string[]
  /** Whether the tag was announced. Case does not matter. */
  has(tag: string): boolean
  /** Arguments of the tag in the order they came, as written; of all its lines if it came twice. Empty if none. */
  args(tag: string): readonly string[]
}

/** Nothing announced: also what a server without CAPA gets. */
export const NO_CAPABILITIES: Capabilities = parseCapabilities([])

/**
 * Reads capability lines. Tags divide from arguments at runs of blanks and tabs; of a tag that comes twice the arguments
 * are joined. Empty lines are ignored, tags that nobody knows are kept.
 */
export function parseCapabilities(lines: readonly string[]): Capabilities {
  const byTag = new Map<string, string[]>()
  const kept: string[] = []
  for (const line of lines) {
    const [tag, ...args] = line.split(/[ \t]+/).filter((word) => word !== '')
    if (tag === undefined) continue
    kept.push(line)
    const key = tag.toUpperCase()
    const former = byTag.get(key) ?? []
    byTag.set(key, [...former, ...args.filter((arg) => !former.includes(arg))])
  }
  return {
    lines: kept,
    has: (tag) => byTag.has(tag.toUpperCase()),
    args: (tag) => byTag.get(tag.toUpperCase()) ?? [],
  }
}

/**
 * The later list, completed by lines whose tags only the earlier one has: Dovecot and Cyrus drop SASL, USER and STLS
 * after login though RFC 5034 section 3 says to keep them.
 */
export function completeCapabilities(later: Capabilities, earlier: Capabilities): Capabilities {
  const missing = earlier.lines.filter((line) => !later.has(line.trim().split(/[ \t]/, 1)[0] ?? ''))
  return parseCapabilities([...later.lines, ...missing])
}
