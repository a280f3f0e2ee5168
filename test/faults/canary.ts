/** A secret that must not get out, and the search for it in whatever form it might have taken. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Password or token of all cases. Holds what base64 and URLs write differently, and nothing that a shell would touch. */
export const CANARY = 'cAnary/7+Vogel=9.sings~twice'

/** What was said or written, by the place where it was found. */
export type Traces = ReadonlyMap<string, string>

/**
 * Where the secret, or what the client derived from it for the wire, occurs: `PLACE: FORM`, one for each. `wire` is all
 * that a server heard.
 */
export function leaks(traces: Traces, secrets: readonly string[], wire: string): readonly string[] {
  const forms = new Map([...secrets.flatMap(formsOf), ...derivedOnWire(wire)])
  return [...traces].flatMap(([place, text]) =>
    [...forms].filter(([form]) => text.includes(form)).map(([, name]) => `${place}: ${name}`),
  )
}

/** All files below a folder as one UTF-16 unit for each octet, names included. */
export function filesBelow(folder: string): Traces {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return new Map(
    entries.flatMap((entry): [string, string][] => {
      const path = join(entry.parentPath, entry.name)
      return [
        [`name of ${path}`, entry.name],
        ...(entry.isFile() ? [[path, readFileSync(path, 'latin1')] as [string, string]] : []),
      ]
    }),
  )
}

/** Every way in which the secret may be written, and what it is called. */
export function formsOf(secret: string): [form: string, name: string][] {
  const octets = Buffer.from(secret)
  const hex = octets.toString('hex')
  return [
    [octets.toString('latin1'), 'plain'],
    ...[0, 1, 2].flatMap((before): [string, string][] => {
      const inner = innerBase64(octets, before)
      const forUrls = inner.replaceAll('+', '-').replaceAll('/', '_')
      return [
        [inner, `base64 behind ${before} octets`],
        [forUrls, `base64url behind ${before} octets`],
      ]
    }),
    [hex, 'hex'],
    [hex.toUpperCase(), 'hex'],
    [encodeURIComponent(secret), 'URL-encoded'],
    [new URLSearchParams({ a: secret }).toString().slice(2), 'form-encoded'],
    [JSON.stringify(secret).slice(1, -1), 'JSON'],
  ]
}

/** The characters that say the secret and nothing else, however many octets (modulo 3) stand before it. */
function innerBase64(secret: Buffer, before: number): string {
  const whole = Buffer.concat([Buffer.alloc(before), secret])
  const text = whole.toString('base64').replace(/=+$/, '')
  const first = Math.ceil((before * 8) / 6)
  return text.slice(first, whole.length % 3 === 0 ? undefined : -1)
}

/** SASL messages that prove who we are, and the digests of APOP and CRAM-MD5 within. */
function derivedOnWire(wire: string): [form: string, name: string][] {
  const lines = wire.split('\r\n')
  const apop = lines.flatMap((line) => /^APOP \S+ ([0-9a-f]{32})$/.exec(line)?.[1] ?? [])
  const messages = lines.flatMap(
    (line) => /^(?:AUTH \S+ )?([A-Za-z0-9+/]{16,}=*)$/.exec(line)?.[1] ?? [],
  )
  const digests = messages.flatMap((message) => {
    const text = Buffer.from(message, 'base64').toString('latin1')
    return /(?:^| )([0-9a-f]{32})$/.exec(text)?.[1] ?? /,p=(.+)$/.exec(text)?.[1] ?? []
  })
  return [
    ...messages.map((message): [string, string] => [message, 'SASL message']),
    ...[...apop, ...digests].map((digest): [string, string] => [digest, 'digest']),
  ]
}
