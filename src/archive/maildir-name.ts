/**
 * Names of files in a Maildir: `<sec>.M<usec>P<pid>Q<n>R<16 hex>.<host>,D=<64 hex>`, where D is the message's digest.
 *
 * The first part is unique by Maildir's rules, and by 64 random bits where those fail (containers share pids and host
 * names). Programs that own the Maildir too append fields: `,S=1234,W=1250`, and `:2,FS` for flags.
 */

/** What makes a name unique. Passed in, so that a test can repeat or exhaust it. */
export interface NameSources {
  /** ms since the epoch; a fraction is welcome. */
  now(): number
  readonly pid: number
  readonly host: string
  random(octets: number): Uint8Array
}

/** Gives a name that was not given before, without its digest. */
export type Namer = () => string

/** Of the octets that a name may have (255), what is left for the host beside the other parts and the flags. */
const HOST_OCTETS = 64

export function createNamer(sources: NameSources): Namer {
  const host = escapeHost(sources.host)
  let given = 0
  return () => {
    given += 1
    // Before 1970 the clock was never set, and a minus sign is in no name: the other parts are unique without it.
    const now = Math.max(0, sources.now())
    const seconds = Math.floor(now / 1000)
    const microseconds = Math.floor((now - seconds * 1000) * 1000)
    const random = Buffer.from(sources.random(8)).toString('hex')
    return `${seconds}.M${microseconds}P${sources.pid}Q${given}R${random}.${host}`
  }
}

/** The name under which a file goes into new/. */
export function nameWithDigest(unique: string, digest: Uint8Array): string {
  return `${unique},D=${Buffer.from(digest).toString('hex')}`
}

/** The digest in a file's name, or undefined if the file is not ours. */
export function digestInName(name: string): Uint8Array | undefined {
  // Programs on filesystems without ':' put '!' or ';' before the flags.
  const digits = /^[^.].*?,D=([0-9a-f]{64})(?:[,:;!]|$)/.exec(name)?.[1]
  return digits === undefined ? undefined : new Uint8Array(Buffer.from(digits, 'hex'))
}

/** Whether this program gave the name of a file in tmp/: nobody else writes these parts in this order. */
export function isOurTemporary(name: string): boolean {
  return /^\d+\.M\d+P\d+Q\d+R[0-9a-f]{16}\.[^/]+$/.test(name)
}

/**
 * Maildir asks for '/' as \057 and ':' as \072. The comma would begin a field, and other odd octets make names that
 * not every filesystem keeps: they are escaped alike.
 */
function escapeHost(host: string): string {
  const escaped = Array.from(new TextEncoder().encode(host), (octet) => {
    const character = String.fromCharCode(octet)
    return /[\w.-]/.test(character) ? character : `\\${octet.toString(8).padStart(3, '0')}`
  })
  let name = ''
  for (const part of escaped) {
    if (name.length + part.length > HOST_OCTETS) break
    name += part
  }
  return name === '' ? 'localhost' : name
}
