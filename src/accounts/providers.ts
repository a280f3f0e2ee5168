/** Finds a provider in the built-in table. */
import { hostName, isWithin, parseMailAddress } from './mail-address.ts'
import type { MailProvider } from './mail-provider.ts'
import { PROVIDERS } from './provider-table.ts'

/** The provider whose addresses are in this address's domain. The domains of its customers are not among them. */
export function providerOfAddress(address: string): MailProvider | undefined {
  const domain = parseMailAddress(address)?.domain
  return domain === undefined
    ? undefined
    : PROVIDERS.find(({ domains }) => domains.includes(domain))
}

/** The provider that runs this POP server; the first, where several share it. */
export function providerOfHost(host: string): MailProvider | undefined {
  const name = hostName(host)
  if (name === undefined) return undefined
  return PROVIDERS.find(
    ({ server, otherHosts }) => server?.host === name || otherHosts.includes(name),
  )
}

/** The provider whose mail exchanger this is. A hint only: the exchanger may be a mere mail filter. */
export function providerOfExchanger(exchanger: string): MailProvider | undefined {
  const name = hostName(exchanger)
  if (name === undefined) return undefined
  return PROVIDERS.find(({ exchangers }) => exchangers.some((end) => isWithin(name, end)))
}

/** What an address logs in as at a provider. */
export function userAt(provider: Pick<MailProvider, 'user'>, address: string): string {
  const localPart = parseMailAddress(address)?.localPart
  return provider.user === 'local-part' && localPart !== undefined ? localPart : address
}
